/*
 * The threads' life spans with what each waited for and held, as inline SVG: a row a thread, waits above, holds below.
 * What is shorter than a mark is drawn together with its neighbours, and the marks are as narrow as their number
 * allows.
 */
#include "report/html.h"
#include "report/textout.h"

#include <stdlib.h>
#include <string.h>

enum {
    LIVES_ROWS = 400,
    LIVES_MARKS = 6000, /* of one run; a page holds many runs */
    LIVES_LONGEST = 12, /* rows of the table */
    LIVES_LEFT = 230,
    LIVES_WIDTH = 760,
    LIVES_RIGHT = 340,
    LIVES_ROW = 18,
    LIVES_BAR = 12
};

struct lives {
    FILE *out;
    const struct report *r;
    const struct report_run *u;
    uint32_t run;
    double scale; /* pixels a nanosecond */
    double gap;   /* pixels of the narrowest mark */
};

struct lives_mark { /* one interval, or several that are too short to be seen alone */
    const struct report_interval *longest;
    size_t n;
    uint64_t start, end, sum; /* ns */
};

static double lives_at(const struct lives *l, uint64_t ns) {
    double x = (double)ns * l->scale;
    return LIVES_LEFT + (x > LIVES_WIDTH ? LIVES_WIDTH : x);
}

static uint64_t lives_length(const struct report_interval *i) {
    return i->end_ns > i->start_ns ? i->end_ns - i->start_ns : 0;
}

static bool lives_short(const struct lives *l, const struct report_interval *i) {
    return (double)lives_length(i) * l->scale < l->gap;
}

/* Takes the next mark of one lane off list[*at..n): a long interval alone, short ones that start within one gap
 * together. False at the end. */
static bool lives_next(const struct lives *l, const struct report_interval *list, size_t n, bool hold, size_t *at,
        struct lives_mark *mark) {
    *mark = (struct lives_mark){0};
    for (; *at < n; ++*at) {
        const struct report_interval *i = &list[*at];
        if (i->hold != hold) continue;
        bool alone = !lives_short(l, i);
        if (mark->n && (alone || (double)(i->start_ns - mark->start) * l->scale >= l->gap)) return true;
        if (!mark->n) mark->start = i->start_ns;
        if (!mark->longest || lives_length(i) > lives_length(mark->longest)) mark->longest = i;
        if (i->end_ns > mark->end) mark->end = i->end_ns;
        mark->sum += lives_length(i);
        mark->n++;
        if (alone) {
            ++*at;
            return true;
        }
    }
    return mark->n > 0;
}

static size_t lives_count(const struct lives *l, const struct report_interval *list, size_t n) {
    size_t count = 0;
    for (int hold = 0; hold < 2; hold++) {
        struct lives_mark mark;
        for (size_t at = 0; lives_next(l, list, n, hold, &at, &mark);)
            count++;
    }
    return count;
}

/* "held mutex accounts[3].lock for 12 ms, from 1.204 s on, in transfer (bank.c:31)" */
static void lives_words(const struct lives *l, struct strbuf *b, const struct report_interval *i) {
    bool join = strcmp(i->kind, "thread") == 0;
    strbuf_puts(b, i->hold ? "held " : join ? "waited for the end of " : "waited for ");
    if (join || strncmp(i->name, i->kind, strlen(i->kind)) != 0) strbuf_puts(b, i->kind);
    if (*i->name) strbuf_printf(b, "%s%s", join || strncmp(i->name, i->kind, strlen(i->kind)) != 0 ? " " : "", i->name);
    strbuf_puts(b, i->late ? " for at least " : " for ");
    textout_duration(b, lives_length(i));
    strbuf_puts(b, ", from ");
    textout_duration(b, i->start_ns);
    strbuf_puts(b, i->open ? " to the end" : i->vain ? " on, in vain" : " on");
    const struct symbol_frame *at = symbol_first_own(report_trace(l->r, l->run, i->stack, 0));
    if (!at) return;
    strbuf_puts(b, ", in ");
    report_frame_words(l->r, b, at);
}

static void lives_draw(const struct lives *l, const struct lives_mark *mark, bool hold, double y) {
    struct strbuf b = {0};
    double from = lives_at(l, mark->start), width = lives_at(l, mark->end) - from;
    if (width < l->gap) width = l->gap;
    if (from + width > LIVES_LEFT + LIVES_WIDTH) from = LIVES_LEFT + LIVES_WIDTH - width;
    fprintf(l->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"><title>",
            hold ? "hold" : "wait", from, hold ? y + LIVES_BAR / 2 : y, width, LIVES_BAR / 2);
    if (mark->n > 1) {
        strbuf_printf(&b, "%zu %s, ", mark->n, hold ? "holds" : "waits");
        textout_duration(&b, mark->sum);
        strbuf_puts(&b, " together; the longest: ");
    }
    lives_words(l, &b, mark->longest);
    html_text(l->out, strbuf_text(&b));
    fputs("</title></rect>", l->out);
    strbuf_free(&b);
}

static void lives_row(
        const struct lives *l, const struct report_thread *t, const struct report_interval *list, size_t n, double y) {
    uint64_t length = l->u->length_ns;
    double from = lives_at(l, t->birth_ns < length ? t->birth_ns : length),
           to = lives_at(l, t->end_ns && t->end_ns < length ? t->end_ns : length);
    fprintf(l->out, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\">%u ", LIVES_LEFT - 8, y + 10, t->id);
    html_text_cut(l->out, t->name, 30);
    fprintf(l->out, "</text><rect class=\"life\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"><title>", from, y,
            to - from < 1.5 ? 1.5 : to - from, LIVES_BAR);
    html_text(l->out, t->start ? t->start : t->name);
    fprintf(l->out, ": from %.3f s to %.3f s", (double)t->birth_ns / 1e9,
            (double)(t->end_ns ? t->end_ns : length) / 1e9);
    if (t->wait_ns) fprintf(l->out, ", waited %.3f s", (double)t->wait_ns / 1e9);
    if (t->cpu_ns) fprintf(l->out, ", CPU %.3f s", (double)t->cpu_ns / 1e9);
    fputs("</title></rect>", l->out);
    for (int hold = 0; hold < 2; hold++) {
        struct lives_mark mark;
        for (size_t at = 0; lives_next(l, list, n, hold, &at, &mark);)
            lives_draw(l, &mark, hold, y);
    }
    fprintf(l->out, "<text class=\"label\" x=\"%d\" y=\"%.0f\">", LIVES_LEFT + LIVES_WIDTH + 8, y + 10);
    html_text_cut(l->out, t->state ? t->state : t->ended, 44);
    fputs(t->joined ? ", joined</text>\n" : t->detached ? ", detached</text>\n" : "</text>\n", l->out);
}

/* The intervals of a thread: both lists are sorted by thread. */
static size_t lives_of(const struct report_run *u, uint32_t thread, size_t *at) {
    while (*at < u->nintervals && u->intervals[*at].thread < thread)
        ++*at;
    size_t n = 0;
    while (*at + n < u->nintervals && u->intervals[*at + n].thread == thread)
        n++;
    return n;
}

static void lives_drawing(struct lives *l, size_t rows) {
    const struct report_run *u = l->u;
    size_t at = 0, height = rows * LIVES_ROW + 28;
    for (l->gap = 1; l->gap < LIVES_WIDTH; l->gap *= 2) {
        size_t marks = 0;
        at = 0;
        for (size_t i = 0; i < rows; i++) {
            size_t n = lives_of(u, u->threads[i].id, &at);
            marks += lives_count(l, u->intervals + at, n);
        }
        if (marks <= LIVES_MARKS) break;
    }
    fprintf(l->out,
            "<figure class=\"zoom lives\"><div class=\"draw\"><svg role=\"img\" aria-label=\"life spans of the "
            "threads, their waits and "
            "holds\" "
            "viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\">\n",
            LIVES_LEFT + LIVES_WIDTH + LIVES_RIGHT, height, LIVES_LEFT + LIVES_WIDTH + LIVES_RIGHT, height);
    fprintf(l->out,
            "<line class=\"rule\" x1=\"%d\" y1=\"18\" x2=\"%d\" y2=\"18\"/><text class=\"label\" x=\"%d\" "
            "y=\"13\">0 s</text><text class=\"label\" x=\"%d\" y=\"13\" text-anchor=\"end\">%.3f s</text>\n",
            LIVES_LEFT, LIVES_LEFT + LIVES_WIDTH, LIVES_LEFT, LIVES_LEFT + LIVES_WIDTH, (double)u->length_ns / 1e9);
    at = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t n = lives_of(u, u->threads[i].id, &at);
        lives_row(l, &u->threads[i], u->intervals + at, n, 23 + (double)(LIVES_ROW * i));
    }
    fputs("</svg></div></figure>\n", l->out);
}

static void lives_key(const struct lives *l) {
    fputs("<p class=\"dim\"><svg class=\"key\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"key-wait\" "
          "width=\"1\" height=\"1\"/></svg> waits, <svg class=\"key\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect "
          "class=\"key-hold\" width=\"1\" height=\"1\"/></svg> holds a lock, as far as it was timed",
            l->out);
    if (l->u->interval_least_ns) {
        struct strbuf b = {0};
        textout_duration(&b, l->u->interval_least_ns);
        fprintf(l->out, "; nothing shorter than %s is kept", strbuf_text(&b));
        strbuf_free(&b);
    }
    if (l->u->intervals_dropped)
        fprintf(l->out, ", and %llu longer ones found no room", (unsigned long long)l->u->intervals_dropped);
    fputs(".</p>\n", l->out);
}

static int lives_by_length(const void *pa, const void *pb) {
    const struct report_interval *a = *(const struct report_interval *const *)pa,
                                 *b = *(const struct report_interval *const *)pb;
    uint64_t x = lives_length(a), y = lives_length(b);
    if (x != y) return x > y ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The longest, in words: for those who cannot point at a mark. */
static void lives_table(const struct lives *l) {
    const struct report_run *u = l->u;
    const struct report_interval **all = malloc((u->nintervals + 1) * sizeof *all);
    if (!all) return;
    for (size_t i = 0; i < u->nintervals; i++)
        all[i] = &u->intervals[i];
    qsort(all, u->nintervals, sizeof *all, lives_by_length);
    fputs("<details><summary>The longest waits and holds</summary>\n<div class=\"scroll\"><table><tr><th "
          "class=\"n\">Thread</th><th>What</th>"
          "</tr>\n",
            l->out);
    for (size_t i = 0; i < u->nintervals && i < LIVES_LONGEST; i++) {
        struct strbuf b = {0};
        lives_words(l, &b, all[i]);
        fprintf(l->out, "<tr><td class=\"n\">%u</td><td>", all[i]->thread);
        html_text(l->out, strbuf_text(&b));
        fputs("</td></tr>\n", l->out);
        strbuf_free(&b);
    }
    fputs("</table></div></details>\n", l->out);
    free(all);
}

void html_lives(FILE *out, const struct report *r, uint32_t run) {
    const struct report_run *u = &r->runs[run];
    struct lives l = {.out = out, .r = r, .u = u, .run = run, .gap = 1};
    size_t rows = u->nthreads < LIVES_ROWS ? u->nthreads : LIVES_ROWS;
    if (!rows) return;
    l.scale = LIVES_WIDTH / (u->length_ns ? (double)u->length_ns : 1);
    lives_drawing(&l, rows);
    if (u->nintervals) {
        lives_key(&l);
        lives_table(&l);
    }
    if (rows < u->nthreads)
        fprintf(out, "<p class=\"dim\">%zu more threads: twatch report --threads lists them.</p>\n",
                u->nthreads - rows);
}
