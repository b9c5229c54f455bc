/* The contention table: the locks that were waited for most, with the places that waited. */
#include "report/escape.h"
#include "report/textout.h"

#include <string.h>

enum { CONTENTION_ROWS = 25 };

static void contention_cell(FILE *out, int width, uint64_t ns) {
    struct strbuf b = {0};
    if (ns) textout_duration(&b, ns);
    fprintf(out, "%*s", width, ns ? strbuf_text(&b) : "-");
    strbuf_free(&b);
}

static void contention_row(const struct textout *t, const struct report_contention *c) {
    contention_cell(t->out, 9, c->wait_ns);
    contention_cell(t->out, 10, c->wait_max_ns);
    fprintf(t->out, "%11llu", (unsigned long long)c->contended);
    if (c->acquisitions) {
        double share = 100.0 * (double)c->contended / (double)c->acquisitions;
        fprintf(t->out, "%7.*f %%", share < 10 ? 1 : 0, share > 100 ? 100.0 : share);
    } else
        fprintf(t->out, "%9s", "-");
    contention_cell(t->out, 10, c->hold_max_ns);
    struct strbuf b = {0}, place = {0};
    bool said = strncmp(c->name, c->kind, strlen(c->kind)) == 0;
    strbuf_printf(&b, "%s%s%s", said ? "" : c->kind, said ? "" : " ", c->name);
    textout_place(t, &place, c->stack, c->site);
    if (place.n) strbuf_printf(&b, " in %s", strbuf_text(&place));
    fputs("  ", t->out);
    textout_wrap(t, t->width > 90 ? 51 : 11, 51, strbuf_text(&b));
    strbuf_free(&b);
    strbuf_free(&place);
}

static void contention_run(const struct textout *t) {
    const struct report_run *u = &t->report->runs[t->run];
    struct strbuf b = {0};
    uint64_t total = 0;
    for (size_t i = 0; i < u->ncontention; i++)
        total += u->contention[i].wait_ns;
    const char *slash = u->exe ? strrchr(u->exe, '/') : NULL;
    strbuf_printf(&b, "Contention in %s (pid %d): ", slash ? slash + 1 : u->exe ? u->exe : "?", u->pid);
    if (u->ncontention) {
        strbuf_puts(&b, "threads waited ");
        textout_duration(&b, total);
        strbuf_puts(&b, " for locks in all");
    } else
        strbuf_puts(&b, "no thread waited for a lock");
    textout_put(t, TEXTOUT_BOLD, strbuf_text(&b));
    putc('\n', t->out);
    strbuf_free(&b);
    if (!u->ncontention) return;
    fprintf(t->out, "%9s%10s%11s%9s%10s  %s\n", "waited", "longest", "contended", "share", "held max",
            "lock and place");
    size_t shown = t->report->style.verbose || u->ncontention < CONTENTION_ROWS ? u->ncontention : CONTENTION_ROWS;
    for (size_t i = 0; i < shown; i++)
        contention_row(t, &u->contention[i]);
    if (shown < u->ncontention) fprintf(t->out, "%9s%zu more (--verbose shows all)\n", "... ", u->ncontention - shown);
    putc('\n', t->out);
}

void report_print_contention(FILE *out, const struct report *r) {
    struct textout t = {.out = out, .report = r, .width = r->style.width ? r->style.width : 100};
    for (size_t i = 0; i < r->nruns; i++) {
        if (r->runs[i].across) continue;
        t.run = (uint32_t)i;
        contention_run(&t);
    }
}
