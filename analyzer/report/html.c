/*
 * One self-contained page: it opens offline, is readable without scripts, and its content policy allows nothing but its
 * own style and its own script, by hash. The script only filters and moves.
 */
#include "base/progress.h"
#include "report/html.h"

#include "base/arena.h"
#include "base/mem.h"
#include "report/escape.h"
#include "report/html_assets.h"
#include "report/layout.h"

#include <stdlib.h>
#include <string.h>

void report_html_print(FILE *out, const struct report *r);

enum {
    HTML_OPEN = 20,   /* findings that stand open */
    HTML_READY = 200, /* findings whose details are part of the page from the start: the browser's search finds them */
    HTML_RICH = 1000, /* findings with source excerpts and a drawing */
    HTML_BATCH = 100, /* findings that the browser lays out together, or not at all while they are out of sight */
    HTML_FEW = 3,     /* processes that are shown in full; of more, those with findings */
    HTML_RUNS = 50,
    HTML_ROWS = 100
};

void html_text(FILE *out, const char *text) {
    if (text) escape_put(out, ESCAPE_XML, text);
}

void html_text_cut(FILE *out, const char *text, size_t columns) {
    size_t i = 0;
    for (size_t n = 0; text[i] && n < columns; n++) {
        i++;
        while (((unsigned char)text[i] & 0xc0) == 0x80)
            i++;
    }
    struct strbuf head = {0};
    strbuf_add(&head, text, i);
    html_text(out, strbuf_text(&head));
    if (text[i]) fputs("...", out);
    strbuf_free(&head);
}

static void html_head(FILE *out) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '" HTML_CSS_HASH
          "'; script-src '" HTML_JS_HASH "'; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"viewport\" content=\"width=device-width, "
          "initial-scale=1\">\n"
          "<title>twatch report</title>\n<style>" HTML_CSS "</style></head><body>\n"
          "<a class=\"skip\" href=\"#findings\">To the findings</a>\n"
          "<svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" "
          "refX=\"9\" refY=\"5\" markerWidth=\"8\" "
          "markerHeight=\"8\" orient=\"auto-start-reverse\"><path class=\"head\" d=\"M0 0L10 5L0 "
          "10z\"/></marker></defs></svg>\n",
            out);
}

static void html_count(FILE *out, const struct report *r, enum severity severity) {
    size_t n = report_count_severity(r, severity);
    fprintf(out, "<li class=\"%s\"><b>%zu</b>%s%s</li>\n", n ? report_severity(severity) : "dim", n,
            report_severity(severity), n == 1 ? "" : "s");
}

static const char *html_exit(const struct report_run *u, char *buffer, size_t size) {
    static const char *const words[] = {[REPORT_EXIT_STATUS] = "status %d",
            [REPORT_EXIT_SIGNAL] = "signal %d",
            [REPORT_EXIT_KILLED] = "was killed",
            [REPORT_EXIT_RUNNING] = "was still running",
            [REPORT_EXIT_EXEC] = "became another program",
            [REPORT_EXIT_HUNG] = "hung, ended by twatch (status %d)"};
    if (u->exit == REPORT_EXIT_STATUS || u->exit == REPORT_EXIT_SIGNAL || u->exit == REPORT_EXIT_HUNG)
        snprintf(buffer, size, words[u->exit], u->exit_code);
    else
        snprintf(buffer, size, "%s", words[u->exit]);
    return buffer;
}

/* The processes, those with findings first: in a tree of hundreds they are what matters. */
struct html_run {
    uint32_t run;
    bool found;
};

static struct html_run *html_order(const struct report *r, size_t *n) {
    struct html_run *list = mem_new(r->nruns + 1, sizeof *list);
    bool *found = mem_new(r->nruns + 1, sizeof *found);
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct finding *f = r->findings[i];
        if (f->run < r->nruns && report_counts(f)) found[f->run] = true;
        for (size_t k = 0; k < f->nother_runs && report_counts(f); k++)
            if (f->other_runs[k] < r->nruns) found[f->other_runs[k]] = true;
    }
    *n = 0;
    for (int pass = 1; pass >= 0; pass--)
        for (size_t i = 0; i < r->nruns; i++)
            if (!r->runs[i].across && found[i] == pass) list[(*n)++] = (struct html_run){(uint32_t)i, found[i]};
    free(found);
    return list;
}

static void html_run_row(FILE *out, const struct report_run *u) {
    char exit[64];
    fputs("<tr><td>", out);
    for (size_t k = 0; k < u->nargv && k < 12; k++) {
        if (k) putc(' ', out);
        html_text_cut(out, u->argv[k], 80);
    }
    if (!u->nargv) html_text(out, u->exe);
    fprintf(out,
            "</td><td class=\"n\">%d</td><td class=\"n\">%zu</td><td class=\"n\">%llu</td><td class=\"n\">%.*f "
            "s</td><td>%s</td><td>",
            u->pid, u->nthreads, (unsigned long long)u->nlocks, u->length_ns < 1000000000 ? 3 : 1,
            (double)u->length_ns / 1e9, html_exit(u, exit, sizeof exit));
    const char *slash = u->record ? strrchr(u->record, '/') : NULL; /* most stand in a directory that is gone by now */
    html_text(out, slash ? slash + 1 : u->record);
    fputs("</td></tr>\n", out);
}

static void html_runs(FILE *out, const struct report *r, const struct html_run *list, size_t n) {
    bool many = n > HTML_FEW;
    if (many) fprintf(out, "<details><summary>%zu processes</summary>\n", n);
    fputs("<div class=\"scroll\"><table><tr><th>Program</th><th class=\"n\">pid</th><th class=\"n\">threads</th><th "
          "class=\"n\">locks</th>"
          "<th class=\"n\">watched</th><th>end</th><th>record</th></tr>\n",
            out);
    for (size_t i = 0; i < n && i < HTML_RUNS; i++)
        html_run_row(out, &r->runs[list[i].run]);
    fputs("</table></div>\n", out);
    if (n > HTML_RUNS) fprintf(out, "<p class=\"dim\">and %zu more processes</p>\n", n - HTML_RUNS);
    if (many) fputs("</details>\n", out);
}

static void html_note(FILE *out, const char *before, const char *text) {
    fprintf(out, "<li>%s", before);
    html_text(out, text);
    fputs("</li>\n", out);
}

/* `drawings`: what Graphviz lacked, NULL nothing. */
static void html_notes(FILE *out, const struct report *r, const char *drawings) {
    struct arena arena = {0};
    const char **lacks;
    size_t n = report_lacks(r, &arena, &lacks);
    if (n || r->nnotes || r->nfixed || drawings) {
        fputs("<h2>Notes</h2>\n<ul class=\"dim\">\n", out);
        for (size_t i = 0; i < n; i++)
            html_note(out, "", lacks[i]);
        for (size_t i = 0; i < r->nnotes; i++)
            html_note(out, "", r->notes[i]);
        for (size_t i = 0; i < r->nfixed; i++)
            html_note(out, "fixed: ", r->fixed[i]);
        if (drawings) html_note(out, "not every drawing was laid out by Graphviz: ", drawings);
        fputs("</ul>\n", out);
    }
    arena_free(&arena);
}

static bool html_has_kind(const struct report *r, size_t before) {
    for (size_t i = before; i-- > 0 && before - i < 64;)
        if (r->findings[i]->rule == r->findings[before]->rule) return true;
    return false;
}

static void html_filter(FILE *out, const struct report *r) {
    fputs("<form class=\"filter\" id=\"filter\" hidden>\n<label>Kind<select name=\"kind\"><option "
          "value=\"\">all</option>",
            out);
    const struct rule *last = NULL;
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct rule *rule = r->findings[i]->rule;
        if (rule == last || html_has_kind(r, i)) continue;
        last = rule;
        fprintf(out, "<option>%s</option>", rule->name);
    }
    fputs("</select></label>\n<label>Severity<select name=\"severity\"><option "
          "value=\"\">all</option><option>error</option><option>warning</option>"
          "<option>note</option></select></label>\n<label>Thread<input name=\"thread\" autocomplete=\"off\"></label>\n"
          "<label>Lock or variable<input name=\"lock\" autocomplete=\"off\"></label>\n<label>Words<input "
          "name=\"words\" autocomplete=\"off\"></label>\n"
          "<button type=\"reset\">Clear</button><button type=\"button\" id=\"open-all\">Open all</button>"
          "<button type=\"button\" id=\"close-all\">Close all</button>\n<span id=\"shown\" role=\"status\"></span>"
          "<span class=\"dim\">keys: j next, k previous, / search; in a drawing + and - zoom</span>\n</form>\n",
            out);
}

static void html_time(FILE *out, uint64_t ns) {
    if (ns)
        fprintf(out, "<td class=\"n\">%.3f ms</td>", (double)ns / 1e6);
    else
        fputs("<td class=\"n\">-</td>", out);
}

static void html_contention(FILE *out, const struct report *r, uint32_t run) {
    const struct report_run *u = &r->runs[run];
    if (!u->ncontention) return;
    fputs("<h3>Contention</h3>\n<div class=\"scroll\"><table><tr><th>Lock</th><th>Place</th><th "
          "class=\"n\">waited</th><th class=\"n\">longest</th>"
          "<th class=\"n\">contended</th><th class=\"n\">acquisitions</th><th class=\"n\">longest hold</th></tr>\n",
            out);
    for (size_t i = 0; i < u->ncontention && i < HTML_ROWS; i++) {
        const struct report_contention *c = &u->contention[i];
        const struct symbol_frame *at = symbol_first_own(report_trace(r, run, c->stack, c->site));
        fprintf(out, "<tr><td>%s ", strncmp(c->name, c->kind, strlen(c->kind)) == 0 ? "" : c->kind);
        html_text(out, c->name);
        fputs("</td><td>", out);
        if (at) html_frame(out, r, at);
        fputs("</td>", out);
        html_time(out, c->wait_ns);
        html_time(out, c->wait_max_ns);
        fprintf(out, "<td class=\"n\">%llu</td><td class=\"n\">%llu</td>", (unsigned long long)c->contended,
                (unsigned long long)c->acquisitions);
        html_time(out, c->hold_max_ns);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void html_findings(FILE *out, const struct report *r) {
    for (size_t i = 0; i < r->nfindings; i++) {
        progress_step(i);
        if (i % HTML_BATCH == 0)
            fputs(i ? "</div>\n<div class=\"batch\">\n" : "<section>\n<div class=\"batch\">\n", out);
        struct html_show show = {.open = i < HTML_OPEN && report_counts(r->findings[i]),
                .later = i >= HTML_READY,
                .rich = i < HTML_RICH};
        html_finding(out, r, r->findings[i], i + 1, show);
    }
    if (r->nfindings) fputs("</div>\n</section>\n", out);
}

static void html_threads(FILE *out, const struct report *r, const struct html_run *list, size_t n) {
    for (size_t i = 0; i < n && i < HTML_RUNS; i++) {
        const struct report_run *u = &r->runs[list[i].run];
        bool open = n <= HTML_FEW || (list[i].found && i < HTML_FEW);
        fprintf(out, "<details class=\"run\"%s><summary><h2>Threads of ", open ? " open" : "");
        html_text(out, u->exe);
        fprintf(out, " (pid %d)</h2></summary>\n", u->pid);
        html_lives(out, r, list[i].run);
        html_contention(out, r, list[i].run);
        fputs("</details>\n", out);
    }
    if (n > HTML_RUNS) fprintf(out, "<p class=\"dim\">and %zu more processes</p>\n", n - HTML_RUNS);
}

void report_html_print(FILE *out, const struct report *r) {
    if (r->style.graphviz) layout_open();
    html_head(out);
    fputs("<header><h1>twatch report</h1>\n<ul class=\"counts\">\n", out);
    html_count(out, r, SEVERITY_ERROR);
    html_count(out, r, SEVERITY_WARNING);
    html_count(out, r, SEVERITY_NOTE);
    fputs("</ul></header>\n<main>\n", out);
    size_t n;
    struct html_run *list = html_order(r, &n);
    html_runs(out, r, list, n);
    fputs("<h2 id=\"findings\">Findings</h2>\n", out);
    if (r->nfindings)
        html_filter(out, r);
    else
        fputs(r->nruns ? "<p>Nothing to report.</p>\n" : "<p>Nothing was observed.</p>\n", out);
    html_findings(out, r);
    const char *drawings = r->style.graphviz ? layout_close() : NULL;
    html_notes(out, r, drawings);
    html_threads(out, r, list, n);
    free(list);
    fprintf(out, "<p class=\"dim\">twatch %s</p>\n</main>\n<script>", r->version);
    fputs(HTML_JS "</script>\n</body></html>\n", out);
}
