/* The report for people: what is wrong in one sentence, then who did what where, then what to do. */
#include "base/progress.h"
#include "base/arena.h"
#include "report/escape.h"
#include "report/textout.h"

#include <stdlib.h>
#include <string.h>

void report_text_print(FILE *out, const struct report *r);

static const char *text_base(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && slash[1] ? slash + 1 : path && *path ? path : "?";
}

static void text_step(const struct textout *t, const struct finding *f, const struct finding_step *s) {
    struct strbuf b = {0};
    bool place = s->stack || s->site;
    report_step_words(&b, f, s);
    if (place) strbuf_puts(&b, s->action == ACTION_HOLDS ? ", taken at:" : " at:");
    textout_wrap(t, 4, 0, strbuf_text(&b));
    strbuf_free(&b);
    if (place) textout_stack(t, 6, report_trace(t->report, f->run, s->stack, s->site));
}

static void text_thread_head(const struct textout *t, const struct finding *f, const struct finding_thread *h) {
    struct strbuf head = {0}, place = {0};
    report_thread_words(&head, h);
    textout_indent(t, 2);
    textout_put(t, TEXTOUT_BOLD, strbuf_text(&head));
    textout_place(t, &place, h->created_stack, 0);
    if (place.n) {
        struct strbuf b = {0};
        strbuf_printf(&b, ", created by thread %u in %s", h->parent, strbuf_text(&place));
        size_t used = 2 + escape_columns(strbuf_text(&head));
        textout_wrap(t, 6, (unsigned)used, strbuf_text(&b));
        strbuf_free(&b);
    } else
        putc('\n', t->out);
    if (t->report->style.verbose && h->created_stack)
        textout_stack(t, 6, report_trace(t->report, f->run, h->created_stack, 0));
    strbuf_free(&head);
    strbuf_free(&place);
}

static void text_threads(const struct textout *t, const struct finding *f) {
    for (size_t i = 0; i < f->nthreads; i++) {
        text_thread_head(t, f, &f->threads[i]);
        for (size_t s = 0; s < f->nsteps; s++)
            if (f->steps[s].thread == i) text_step(t, f, &f->steps[s]);
        putc('\n', t->out);
    }
    for (size_t s = 0; s < f->nsteps; s++)
        if (f->steps[s].thread >= f->nthreads) text_step(t, f, &f->steps[s]);
}

static void text_objects(const struct textout *t, const struct finding *f) {
    for (size_t i = 0; i < f->nobjects; i++) {
        const struct finding_object *o = &f->objects[i];
        struct strbuf b = {0}, place = {0};
        textout_place(t, &place, o->created_stack, 0);
        report_object_words(&b, o);
        if (o->address) strbuf_printf(&b, " at 0x%llx", (unsigned long long)o->address);
        if (place.n && !strstr(o->name, " in ")) strbuf_printf(&b, ", first seen in %s", strbuf_text(&place));
        textout_indent(t, 2);
        if (*o->label) fprintf(t->out, "%-3s ", o->label);
        textout_wrap(t, 6, *o->label ? 6 : 2, strbuf_text(&b));
        if (t->report->style.verbose && o->created_stack)
            textout_stack(t, 6, report_trace(t->report, f->run, o->created_stack, 0));
        strbuf_free(&b);
        strbuf_free(&place);
    }
    if (f->nobjects) putc('\n', t->out);
}

static void text_detail(const struct textout *t, const char *detail) {
    for (const char *line = detail; line && *line;) {
        size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length);
        if (copy) textout_wrap(t, 2, 0, copy);
        free(copy);
        line += length + (line[length] == '\n');
    }
    if (detail && *detail) putc('\n', t->out);
}

static void text_labelled(const struct textout *t, const char *label, const char *text) {
    if (!text || !*text) return;
    textout_indent(t, 2);
    textout_put(t, TEXTOUT_CYAN, label);
    textout_wrap(t, 4, 2 + (unsigned)strlen(label), text);
}

static void text_status(const struct textout *t, const struct finding *f) {
    struct strbuf b = {0};
    if (f->count > 1) strbuf_printf(&b, "seen %llu times, ", (unsigned long long)f->count);
    if (f->nother_runs) strbuf_printf(&b, "in %zu more process%s, ", f->nother_runs, f->nother_runs == 1 ? "" : "es");
    if (f->suppressed) strbuf_printf(&b, "suppressed by %s, ", f->suppressed_by ? f->suppressed_by : "a rule");
    if (f->baseline == BASELINE_KNOWN) strbuf_puts(&b, "known (in the baseline), ");
    if (f->baseline == BASELINE_NEW) strbuf_puts(&b, "new (not in the baseline), ");
    strbuf_printf(&b, "fingerprint %s", f->fingerprint);
    textout_indent(t, 2);
    textout_ink(t, TEXTOUT_DIM);
    textout_wrap(t, 2, 2, strbuf_text(&b));
    textout_ink(t, TEXTOUT_PLAIN);
    strbuf_free(&b);
}

static void text_finding(struct textout *t, const struct finding *f, size_t number) {
    const struct report *r = t->report;
    struct strbuf head = {0};
    t->run = f->run;
    strbuf_printf(&head, "[%zu] %s: ", number, report_severity(f->severity));
    textout_put(t, textout_severity_ink(f->severity), strbuf_text(&head));
    textout_ink(t, TEXTOUT_BOLD);
    textout_wrap(t, 4, (unsigned)head.n, f->message);
    textout_ink(t, TEXTOUT_PLAIN);
    fprintf(t->out, "    %s, %s", f->rule->name, report_confidence(f->confidence));
    if (r->nruns > 1 && f->run < r->nruns && !r->runs[f->run].across) {
        fputs(", in ", t->out);
        escape_put(t->out, ESCAPE_TEXT, text_base(r->runs[f->run].exe));
        fprintf(t->out, " (pid %d)", r->runs[f->run].pid);
    }
    fputs("\n\n", t->out);
    text_threads(t, f);
    text_objects(t, f);
    text_detail(t, f->detail);
    if (r->style.verbose) text_labelled(t, "What it means: ", f->rule->help);
    text_labelled(t, "What to do: ", f->rule->advice);
    text_status(t, f);
    putc('\n', t->out);
    strbuf_free(&head);
}

static bool text_shown(const struct report *r, const struct finding *f) {
    return r->style.verbose || report_counts(f);
}

static void text_exit(struct strbuf *b, const struct report_run *u) {
    switch (u->exit) {
    case REPORT_EXIT_STATUS:
        strbuf_printf(b, "ended with status %d", u->exit_code);
        break;
    case REPORT_EXIT_HUNG:
        strbuf_printf(b, "hung and was ended by twatch with status %d", u->exit_code);
        break;
    case REPORT_EXIT_SIGNAL:
        strbuf_printf(b, "ended by signal %d", u->exit_code);
        break;
    case REPORT_EXIT_KILLED:
        strbuf_puts(b, "was killed");
        break;
    case REPORT_EXIT_RUNNING:
        strbuf_puts(b, "still running when it was read");
        break;
    case REPORT_EXIT_EXEC:
        strbuf_puts(b, "replaced itself by another program");
        break;
    }
}

static int text_by_name(const void *a, const void *b) {
    const struct report_run *const *x = a, *const *y = b;
    return strcmp(text_base((*x)->exe), text_base((*y)->exe));
}

/* "3 processes: cc1 (2), make". */
static void text_processes(struct strbuf *b, const struct report *r) {
    const struct report_run **sorted = calloc(r->nruns + 1, sizeof *sorted);
    size_t n = 0;
    if (!sorted) return;
    for (size_t i = 0; i < r->nruns; i++)
        if (!r->runs[i].across) sorted[n++] = &r->runs[i];
    strbuf_printf(b, "%zu process%s: ", n, n == 1 ? "" : "es");
    qsort(sorted, n, sizeof *sorted, text_by_name);
    for (size_t i = 0, same, said = 0; i < n; i += same, said++) {
        for (same = 1; i + same < n && text_by_name(&sorted[i], &sorted[i + same]) == 0;)
            same++;
        if (said >= 12) {
            strbuf_puts(b, ", ...");
            break;
        }
        strbuf_printf(b, "%s%s", said ? ", " : "", text_base(sorted[i]->exe));
        if (same > 1) strbuf_printf(b, " (%zu)", same);
    }
    free(sorted);
}

static void text_summary_head(const struct textout *t) {
    const struct report *r = t->report;
    struct strbuf b = {0};
    if (r->nruns && r->runs[0].across)
        strbuf_puts(&b, "joined records");
    else if (r->nruns == 1) {
        const struct report_run *u = &r->runs[0];
        strbuf_printf(
                &b, "%s (pid %d), %zu thread%s, ", text_base(u->exe), u->pid, u->nthreads, u->nthreads == 1 ? "" : "s");
        if (u->nlocks) strbuf_printf(&b, "%llu lock%s, ", (unsigned long long)u->nlocks, u->nlocks == 1 ? "" : "s");
        text_exit(&b, u);
    } else
        text_processes(&b, r);
    textout_put(t, TEXTOUT_BOLD, "Summary: ");
    textout_wrap(t, 2, 9, strbuf_text(&b));
    strbuf_free(&b);
}

/* One row a kind: "  error    lock-order-cycle   2   transfer (bank.c:33)". */
static void text_summary_row(struct textout *t, size_t first, size_t n) {
    const struct finding *f = t->report->findings[first];
    const struct symbol_frame *at = report_blame(t->report, f);
    struct strbuf b = {0};
    t->run = f->run;
    if (at) report_frame_words(t->report, &b, at);
    textout_indent(t, 2);
    textout_ink(t, textout_severity_ink(f->severity));
    fprintf(t->out, "%-8s", report_severity(f->severity));
    textout_ink(t, TEXTOUT_PLAIN);
    fprintf(t->out, " %-26s %5zu", f->rule->name, n);
    if (b.n)
        fputs("  ", t->out), textout_wrap(t, 44, 44, strbuf_text(&b));
    else
        putc('\n', t->out);
    strbuf_free(&b);
}

static void text_summary_table(struct textout *t) {
    const struct report *r = t->report;
    size_t suppressed = 0, known = 0;
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct finding *f = r->findings[i];
        suppressed += f->suppressed;
        known += !f->suppressed && f->baseline == BASELINE_KNOWN;
        if (!report_counts(f)) continue;
        bool seen = false; /* findings are sorted by severity and kind: equal ones are neighbours but for what does not
                              count */
        for (size_t j = i;
                j-- > 0 && r->findings[j]->rule == f->rule && r->findings[j]->severity == f->severity && !seen;)
            seen = report_counts(r->findings[j]);
        if (seen) continue;
        size_t n = 0;
        for (size_t j = i;
                j < r->nfindings && r->findings[j]->rule == f->rule && r->findings[j]->severity == f->severity; j++)
            n += report_counts(r->findings[j]);
        text_summary_row(t, i, n);
    }
    if (suppressed) fprintf(t->out, "  %zu suppressed\n", suppressed);
    if (known) fprintf(t->out, "  %zu known from the baseline\n", known);
}

static void text_losses(const struct textout *t) {
    const struct report *r = t->report;
    struct arena arena = {0};
    const char **lacks;
    size_t n = report_lacks(r, &arena, &lacks);
    for (size_t i = 0; i < n; i++) {
        textout_indent(t, 2);
        textout_put(t, TEXTOUT_YELLOW, "note: ");
        textout_wrap(t, 4, 8, lacks[i]);
    }
    arena_free(&arena);
    for (size_t i = 0; i < r->nnotes; i++)
        text_labelled(t, "note: ", r->notes[i]);
    for (size_t i = 0; i < r->nfixed; i++)
        text_labelled(t, "fixed: ", r->fixed[i]);
}

/* Where races were looked for: every module with --verbose, else those of which much was left out. */
static void text_coverage(const struct textout *t, const struct report_run *u) {
    for (size_t i = 0; i < u->ncoverage; i++) {
        const struct report_coverage *x = &u->coverage[i];
        bool much = x->watched * 10 < x->accesses * 9;
        if (!t->report->style.verbose && !much) continue;
        struct strbuf b = {0};
        if (x->reason)
            strbuf_printf(&b, "races in %s were not looked for: %s", x->module, x->reason);
        else
            strbuf_printf(&b, "races: %llu of %llu memory accesses of %s were watched; %llu of %llu functions were left out",
                    (unsigned long long)x->watched, (unsigned long long)x->accesses, x->module,
                    (unsigned long long)x->functions_left, (unsigned long long)x->functions);
        text_labelled(t, "note: ", strbuf_text(&b));
        strbuf_free(&b);
    }
}

void report_text_print(FILE *out, const struct report *r) {
    struct textout t = {.out = out, .report = r, .width = r->style.width ? r->style.width : 100};
    size_t shown = 0;
    for (size_t i = 0; i < r->nfindings; i++) {
        progress_step(i);
        if (text_shown(r, r->findings[i])) text_finding(&t, r->findings[i], ++shown);
    }
    text_summary_head(&t);
    text_summary_table(&t);
    if (!shown) fputs(r->nruns ? "  nothing to report\n" : "  nothing was observed\n", out);
    for (size_t i = 0; i < r->nruns; i++)
        text_coverage(&t, &r->runs[i]);
    text_losses(&t);
}
