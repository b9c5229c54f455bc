#include "report/html.h"

#include <stdlib.h>
#include <string.h>

enum { HTML_CONTEXT = 2, HTML_FRAMES = 100 };

static void html_source(FILE *out, const struct report *r, uint32_t run, const struct symbol_frame *f) {
    struct symbols *s = run < r->nruns ? r->runs[run].symbols : NULL;
    if (!s || !f->line || !symbol_source_line(s, f->path, f->line)) return;
    fputs("<pre class=\"source\">", out);
    uint32_t from = f->line > HTML_CONTEXT ? f->line - HTML_CONTEXT : 1;
    for (uint32_t n = from; n <= f->line + HTML_CONTEXT; n++) {
        const char *line = symbol_source_line(s, f->path, n);
        if (!line) break;
        fprintf(out, "<span%s>%5u  ", n == f->line ? " class=\"here\"" : "", n);
        html_text_cut(out, line, 200);
        fputs("</span>", out);
    }
    fputs("</pre>", out);
}

void html_frame(FILE *out, const struct report *r, const struct symbol_frame *f) {
    struct strbuf words = {0};
    report_frame_words(r, &words, f);
    fputs("<code>", out);
    html_text(out, strbuf_text(&words));
    fputs("</code>", out);
    strbuf_free(&words);
}

/* Own frames stand open, runs of library frames folded away. */
static void html_stack(FILE *out, const struct report *r, uint32_t run, const struct symbol_trace *t, bool source) {
    if (!t->nframes) {
        fputs("<p class=\"dim\">no stack was recorded</p>\n", out);
        return;
    }
    bool any_own = symbol_first_own(t)->own, shown = !source;
    size_t n = t->nframes < HTML_FRAMES ? t->nframes : HTML_FRAMES;
    fputs("<ol class=\"stack\">\n", out);
    for (size_t i = 0; i < n;) {
        const struct symbol_frame *f = t->frames[i];
        size_t run_length = 0;
        while (any_own && i + run_length < n && !t->frames[i + run_length]->own)
            run_length++;
        if (run_length > 1) {
            fprintf(out, "<li class=\"lib\"><details><summary>%zu library frames</summary>", run_length);
            for (size_t k = 0; k < run_length; k++) {
                fputs("<div>", out);
                html_frame(out, r, t->frames[i + k]);
                fputs("</div>", out);
            }
            fputs("</details></li>\n", out);
            i += run_length;
            continue;
        }
        fprintf(out, "<li class=\"%s\">", f->own ? "own" : "lib");
        html_frame(out, r, f);
        if (!shown && (f->own || !any_own)) html_source(out, r, run, f), shown = true;
        fputs("</li>\n", out);
        i++;
    }
    if (t->cut || n < t->nframes) fputs("<li class=\"lib\">... what called this is not shown</li>\n", out);
    fputs("</ol>\n", out);
}

static void html_step(
        FILE *out, const struct report *r, const struct finding *f, const struct finding_step *s, bool rich) {
    struct strbuf words = {0};
    report_step_words(&words, f, s);
    fputs("<h4>", out);
    html_text(out, strbuf_text(&words));
    bool place = s->stack || s->site;
    fputs(!place ? "</h4>\n" : s->action == ACTION_HOLDS ? ", taken at</h4>\n" : " at</h4>\n", out);
    if (place) html_stack(out, r, f->run, report_trace(r, f->run, s->stack, s->site), rich);
    strbuf_free(&words);
}

static void html_thread(FILE *out, const struct report *r, const struct finding *f, size_t thread, bool rich) {
    const struct finding_thread *t = &f->threads[thread];
    struct strbuf words = {0};
    report_thread_words(&words, t);
    fputs("<section class=\"thread\"><h3>", out);
    html_text(out, strbuf_text(&words));
    fputs("</h3>\n", out);
    strbuf_free(&words);
    for (size_t i = 0; i < f->nsteps; i++)
        if (f->steps[i].thread == thread) html_step(out, r, f, &f->steps[i], rich);
    const struct symbol_trace *created = report_trace(r, f->run, t->created_stack, 0);
    if (created->nframes) {
        fprintf(out, "<h4 class=\"dim\">created by thread %u at</h4>\n", t->parent);
        html_stack(out, r, f->run, created, false);
    }
    fputs("</section>\n", out);
}

static void html_objects(FILE *out, const struct report *r, const struct finding *f) {
    if (!f->nobjects) return;
    fputs("<div class=\"scroll\"><table><tr><th>Object</th><th>Address</th><th>Made at</th></tr>\n", out);
    for (size_t i = 0; i < f->nobjects; i++) {
        const struct finding_object *o = &f->objects[i];
        const struct symbol_frame *at = symbol_first_own(report_trace(r, f->run, o->created_stack, 0));
        struct strbuf words = {0};
        report_object_words(&words, o);
        fputs("<tr><td>", out);
        html_text(out, strbuf_text(&words));
        fprintf(out, "</td><td><code>0x%llx</code></td><td>", (unsigned long long)o->address);
        if (at) html_frame(out, r, at);
        fputs("</td></tr>\n", out);
        strbuf_free(&words);
    }
    fputs("</table></div>\n", out);
}

/* Names for the filters, one a line. */
static void html_data(FILE *out, const struct finding *f) {
    fprintf(out, " data-kind=\"%s\" data-severity=\"%s\" data-threads=\"", f->rule->name, report_severity(f->severity));
    for (size_t i = 0; i < f->nthreads; i++) {
        html_text(out, f->threads[i].name);
        putc('\n', out);
    }
    fputs("\" data-locks=\"", out);
    for (size_t i = 0; i < f->nobjects; i++) {
        html_text(out, f->objects[i].name);
        putc('\n', out);
    }
    putc('"', out);
}

static void html_tags(FILE *out, const struct report *r, const struct finding *f) {
    fprintf(out, "<div class=\"tags\">%s, %s", f->rule->name, report_confidence(f->confidence));
    if (f->count > 1) fprintf(out, ", seen %llu times", (unsigned long long)f->count);
    if (r->nruns > 1 && f->run < r->nruns && !r->runs[f->run].across) {
        fputs(", in ", out);
        html_text(out, r->runs[f->run].exe);
        fprintf(out, " (pid %d)", r->runs[f->run].pid);
        if (f->nother_runs) fprintf(out, " and %zu more", f->nother_runs);
    }
    if (f->suppressed) fputs(", suppressed by ", out), html_text(out, f->suppressed_by ? f->suppressed_by : "a rule");
    if (f->baseline != BASELINE_NONE) fputs(f->baseline == BASELINE_NEW ? ", new" : ", known from the baseline", out);
    fputs("</div>", out);
}

static void html_body(FILE *out, const struct report *r, const struct finding *f, bool rich) {
    fputs("<div class=\"body\">\n", out);
    if (rich) html_graph(out, f);
    fputs("<div class=\"threads\">\n", out);
    for (size_t i = 0; i < f->nthreads; i++)
        html_thread(out, r, f, i, rich);
    fputs("</div>\n", out);
    for (const char *line = f->detail; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *copy = strndup(line, strcspn(line, "\n"));
        fputs("<p>", out);
        html_text(out, copy);
        fputs("</p>\n", out);
        free(copy);
    }
    html_objects(out, r, f);
    fputs("<div class=\"advice\"><p>", out);
    html_text(out, f->rule->help);
    fputs("</p><p><b>What to do:</b> ", out);
    html_text(out, f->rule->advice);
    fprintf(out, "</p></div>\n<p class=\"dim mono\">fingerprint %s</p>\n</div>", f->fingerprint);
}

/* With scripts, a browser keeps what stands in <noscript> as text until the finding is opened: ten thousand stacks cost
 * nothing. Without, it shows them. */
void html_finding(FILE *out, const struct report *r, const struct finding *f, size_t number, struct html_show show) {
    const char *severity = report_severity(f->severity);
    fprintf(out, "<details class=\"finding is-%s\" id=\"f%zu\"%s", severity, number, show.open ? " open" : "");
    html_data(out, f);
    fprintf(out, ">\n<summary><span class=\"%s\">%s:</span> <span class=\"message\">", severity, severity);
    html_text(out, f->message);
    fputs("</span>", out);
    html_tags(out, r, f);
    fputs(show.later ? "</summary>\n<noscript>" : "</summary>\n", out);
    html_body(out, r, f, show.rich);
    fputs(show.later ? "</noscript></details>\n" : "</details>\n", out);
}
