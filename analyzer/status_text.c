#include "status.h"

#include "finding/names.h"
#include "report/escape.h"
#include "report/textout.h"

#include <inttypes.h>
#include <string.h>

static const char *status_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* One cell: cut to its width with "..", or filled up with blanks; followed by two blanks. Width 0: as it is. */
static void status_cell(FILE *out, const char *text, size_t width) {
    struct strbuf b = {0};
    escape_add(&b, ESCAPE_TEXT, text);
    size_t n = escape_columns(strbuf_text(&b));
    if (width == 0)
        fputs(strbuf_text(&b), out);
    else if (n <= width)
        fprintf(out, "%s%*s", strbuf_text(&b), (int)(width - n + 2), "");
    else
        fprintf(out, "%.*s..  ", (int)(width - 2), strbuf_text(&b));
    strbuf_free(&b);
}

static void status_state(struct strbuf *b, const struct status_thread *t) {
    if (!t->waiting) {
        strbuf_puts(b, t->doing);
        return;
    }
    strbuf_puts(b, t->reported ? "DEADLOCK " : "waits ");
    textout_duration(b, t->wait_ns);
    if (t->left_ns) {
        strbuf_puts(b, ", limit in ");
        textout_duration(b, t->left_ns);
    } else if (t->timed) {
        strbuf_puts(b, ", limited");
    }
}

static void status_wants(struct strbuf *b, const struct status_thread *t) {
    if (!t->waiting) return;
    strbuf_printf(b, "%s %s", t->kind, t->object);
    if (t->shared) strbuf_puts(b, " to read");
    for (size_t i = 0; i < t->nholders && i < 4; i++)
        strbuf_printf(b, "%sT%u", i ? ", " : ", held by ", t->holders[i]);
    if (t->nholders > 4) strbuf_printf(b, " and %zu more", t->nholders - 4);
}

static void status_holds(struct strbuf *b, const struct status_thread *t) {
    for (size_t i = 0; i < t->nheld; i++) {
        strbuf_printf(b, "%s%s%s",
                i      ? ", "
                : b->n ? "; holds "
                       : "holds ",
                t->held[i].name, t->held[i].shared ? " (to read)" : "");
        if (t->held[i].recursion) strbuf_printf(b, " (%u times)", t->held[i].recursion + 1);
    }
}

static void status_row(FILE *out, const struct status_thread *t) {
    struct strbuf state = {0}, what = {0};
    char id[16], tid[16];
    snprintf(id, sizeof id, "T%u", t->id);
    snprintf(tid, sizeof tid, "%d", t->tid);
    status_state(&state, t);
    status_wants(&what, t);
    status_holds(&what, t);
    fputs("  ", out);
    status_cell(out, id, 5);
    status_cell(out, tid, 7);
    status_cell(out, t->name[0] ? t->name : "-", 16);
    status_cell(out, strbuf_text(&state), 28);
    status_cell(out, strbuf_text(&what), 0);
    fputc('\n', out);
    strbuf_free(&state);
    strbuf_free(&what);
}

static void status_trace(FILE *out, const struct status *s, uint32_t stack, uint64_t site) {
    const struct symbol_trace *trace = symbol_place(s->symbols, stack, site);
    for (size_t i = 0; i < trace->nframes; i++) {
        fprintf(out, "          #%-2zu ", i);
        escape_put(out, ESCAPE_TEXT, symbol_brief(s->symbols, trace->frames[i]));
        fputc('\n', out);
    }
    if (trace->nframes == 0) fputs("          (not recorded)\n", out);
}

static void status_stacks(FILE *out, const struct status *s, const struct status_thread *t) {
    if (t->waiting) {
        fputs("        waits at\n", out);
        status_trace(out, s, t->stack, 0);
    } else {
        fputs("        no stack: it does not wait for a lock, and is not stopped to look\n", out);
    }
    for (size_t i = 0; i < t->nheld; i++) {
        fputs("        took ", out);
        escape_put(out, ESCAPE_TEXT, t->held[i].name);
        fputs(" at\n", out);
        status_trace(out, s, t->held[i].stack, t->held[i].site);
    }
}

static void status_locks(FILE *out, const char *title, const struct status_lock *locks, size_t n) {
    if (n == 0) return;
    fprintf(out, "\n%s\n  %12s %10s %7s %10s %10s  lock\n", title, "acquired", "contended", "share", "waited",
            "longest");
    for (size_t i = 0; i < n; i++) {
        const struct status_lock *l = &locks[i];
        struct strbuf wait = {0}, longest = {0};
        if (l->contended) textout_duration(&wait, l->wait_ns), textout_duration(&longest, l->wait_max_ns);
        char share[16] = "-"; /* of a futex only the waits are seen */
        if (l->acquisitions && l->acquisitions >= l->contended)
            snprintf(share, sizeof share, "%.2f%%", 100.0 * (double)l->contended / (double)l->acquisitions);
        fprintf(out, "  %12" PRIu64 " %10" PRIu64 " %7s %10s %10s  %s ", l->acquisitions, l->contended, share,
                strbuf_text(&wait), strbuf_text(&longest), l->kind);
        escape_put(out, ESCAPE_TEXT, l->name);
        fputc('\n', out);
        strbuf_free(&wait);
        strbuf_free(&longest);
    }
}

void status_text(FILE *out, const struct status *s, const struct status_view *view) {
    struct strbuf age = {0};
    textout_duration(&age, s->age_ns);
    escape_put(out, ESCAPE_TEXT, status_base(s->exe));
    fprintf(out, " (pid %d), %s %s, %zu thread%s, %zu waiting%s\n\n", s->model->header->pid,
            s->live ? "running for" : "ended after", strbuf_text(&age), s->nthreads, s->nthreads == 1 ? "" : "s",
            s->nwaiting, s->model->header->flags & TWATCH_HDR_DEADLOCK ? "; a DEADLOCK was found" : "");
    strbuf_free(&age);
    fputs("  ID     TID      NAME              STATE                         WAITS FOR, HOLDS\n", out);
    for (size_t i = 0; i < s->nthreads; i++) {
        status_row(out, &s->threads[i]);
        if (view->stacks) status_stacks(out, s, &s->threads[i]);
    }
    status_locks(out, "Busiest locks", s->busiest, s->nbusiest);
    status_locks(out, "Most waited for", s->contended, s->ncontended);
}
