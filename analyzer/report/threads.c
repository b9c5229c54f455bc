/* The tree of threads with their life spans: who created whom, when each lived, how it ended, who joined it. */
#include "base/mem.h"
#include "report/escape.h"
#include "report/textout.h"

#include <stdlib.h>
#include <string.h>

enum {
    THREADS_SHOWN = 12,
    THREADS_DEEPEST = 40
}; /* siblings in a row with one start routine, unless all were asked for */

struct threads {
    struct textout t;
    const struct report_run *run;
    uint32_t *first, *next; /* children as lists by index + 1; [n] is the head of those without a known parent */
    unsigned label, bar;    /* columns */
};

static size_t threads_index(const struct report_run *u, uint32_t id) {
    for (size_t low = 0, high = u->nthreads; low < high;) { /* sorted by id */
        size_t middle = low + (high - low) / 2;
        if (u->threads[middle].id == id) return middle;
        if (u->threads[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return u->nthreads;
}

static void threads_link(struct threads *x) {
    const struct report_run *u = x->run;
    x->first = mem_new(u->nthreads + 1, sizeof *x->first);
    x->next = mem_new(u->nthreads + 1, sizeof *x->next);
    for (size_t i = u->nthreads; i-- > 0;) {
        /* A parent has a smaller id than its child; anything else is a damaged record and would make a loop. */
        size_t parent = u->threads[i].parent < u->threads[i].id ? threads_index(u, u->threads[i].parent) : u->nthreads;
        x->next[i] = x->first[parent];
        x->first[parent] = (uint32_t)i + 1;
    }
}

static void threads_bar(const struct threads *x, const struct report_thread *h) {
    uint64_t length = x->run->length_ns ? x->run->length_ns : 1, end = h->end_ns ? h->end_ns : length;
    if (end > length) end = length;
    double scale = (double)x->bar / (double)length;
    unsigned from = (unsigned)((double)(h->birth_ns < length ? h->birth_ns : length) * scale),
             to = (unsigned)((double)end * scale + 0.5);
    if (from >= x->bar) from = x->bar - 1;
    if (to <= from) to = from + 1;
    putc('|', x->t.out);
    for (unsigned i = 0; i < x->bar; i++)
        putc(i >= from && i < to ? (!h->end_ns && i + 1 == x->bar ? '>' : '=') : ' ', x->t.out);
    fputs("| ", x->t.out);
}

static void threads_end(struct strbuf *b, const struct report_thread *h) {
    strbuf_puts(b, h->ended);
    if (h->joined && h->joiner)
        strbuf_printf(b, ", joined by thread %u", h->joiner);
    else if (h->joined)
        strbuf_puts(b, ", joined");
    else if (h->detached)
        strbuf_puts(b, ", detached");
    else if (h->parent)
        strbuf_puts(b, ", never joined");
    if (h->cpu_ns) {
        strbuf_puts(b, ", CPU ");
        textout_duration(b, h->cpu_ns);
    }
    if (h->wait_ns) {
        strbuf_puts(b, ", waited ");
        textout_duration(b, h->wait_ns);
    }
    if (h->state) strbuf_printf(b, "; %s", h->state);
}

static void threads_label(const struct report_thread *h, unsigned depth, struct strbuf *b) {
    for (unsigned i = 1; i < depth && i < THREADS_DEEPEST; i++)
        strbuf_puts(b, "  ");
    strbuf_printf(b, "%s%u%s%s", depth ? "+ " : "", h->id, *h->name ? " " : "", h->name);
    if (h->start && strcmp(h->start, h->name) != 0) strbuf_printf(b, " (%s)", h->start);
}

static void threads_line(const struct threads *x, const struct report_thread *h, unsigned depth) {
    struct strbuf label = {0}, shown = {0}, end = {0};
    threads_label(h, depth, &label);
    escape_add(&shown, ESCAPE_TEXT, strbuf_text(&label));
    size_t columns = escape_columns(strbuf_text(&shown));
    textout_indent(&x->t, 2);
    fputs(strbuf_text(&shown), x->t.out);
    if (columns > x->label) {
        putc('\n', x->t.out);
        textout_indent(&x->t, 2 + x->label);
    } else
        textout_indent(&x->t, x->label - (unsigned)columns);
    putc(' ', x->t.out);
    threads_bar(x, h);
    threads_end(&end, h);
    unsigned used = 2 + x->label + 1 + x->bar + 3;
    textout_wrap(&x->t, used, used, strbuf_text(&end));
    strbuf_free(&label);
    strbuf_free(&shown);
    strbuf_free(&end);
}

static bool threads_alike(const struct report_thread *a, const struct report_thread *b) {
    return a->create_stack == b->create_stack &&
           (a->start == b->start || (a->start && b->start && strcmp(a->start, b->start) == 0));
}

static void threads_children(const struct threads *x, size_t parent, unsigned depth) {
    size_t alike = 0, left_out = 0;
    const struct report_thread *before = NULL;
    for (uint32_t at = x->first[parent]; at; at = x->next[at - 1]) {
        const struct report_thread *h = &x->run->threads[at - 1];
        alike = before && threads_alike(before, h) ? alike + 1 : 0;
        before = h;
        /* One without children of its own is left out in a long row of its like; the last one says how many. */
        bool out = !x->t.report->style.verbose && alike >= THREADS_SHOWN && !x->first[at - 1] && !h->state;
        left_out += out;
        if (!out) threads_line(x, h, depth);
        uint32_t after = x->next[at - 1];
        if (left_out && (!after || !threads_alike(h, &x->run->threads[after - 1]))) {
            textout_indent(&x->t, 2 + 2 * depth);
            fprintf(x->t.out, "... %zu more like these (--verbose shows all)\n", left_out);
            left_out = 0;
        }
        if (depth < 1000) threads_children(x, at - 1, depth + 1);
    }
}

static void threads_run(struct threads *x) {
    struct strbuf b = {0};
    const char *slash = x->run->exe ? strrchr(x->run->exe, '/') : NULL;
    strbuf_printf(&b, "Threads of %s (pid %d), ", slash ? slash + 1 : x->run->exe ? x->run->exe : "?", x->run->pid);
    textout_duration(&b, x->run->length_ns);
    textout_put(&x->t, TEXTOUT_BOLD, strbuf_text(&b));
    putc('\n', x->t.out);
    strbuf_free(&b);
    threads_link(x);
    threads_children(x, x->run->nthreads, 0);
    free(x->first);
    free(x->next);
    putc('\n', x->t.out);
}

void report_print_threads(FILE *out, const struct report *r) {
    struct threads x = {.t = {.out = out, .report = r, .width = r->style.width ? r->style.width : 100}};
    x.bar = x.t.width > 90 ? 32 : x.t.width / 4;
    x.label = x.t.width / 3;
    for (size_t i = 0; i < r->nruns; i++) {
        if (r->runs[i].across) continue;
        x.run = &r->runs[i];
        x.t.run = (uint32_t)i;
        threads_run(&x);
    }
}
