/*
 * Annotations of GitHub Actions ("Workflow commands": error, warning, notice). The runner shows ten of each severity a
 * step and drops the rest without a word, so nine are written and the tenth says how many there are.
 */
#include "report/escape.h"
#include "report/report.h"

void report_github_print(FILE *out, const struct report *r);

enum { GITHUB_SHOWN = 9 };

static const char *github_command(enum severity severity) {
    return severity == SEVERITY_NOTE ? "notice" : report_severity(severity);
}

static void github_property(struct strbuf *b, const char *key, const char *text, bool first) {
    strbuf_printf(b, "%s%s=", first ? " " : ",", key);
    escape_add(b, ESCAPE_GITHUB_PROPERTY, text);
}

static void github_finding(FILE *out, const struct report *r, const struct finding *f) {
    const struct symbol_frame *at = report_blame(r, f);
    const char *file = at && at->line ? report_relative(r, at->file) : NULL;
    struct strbuf line = {0}, message = {0}, title = {0};
    strbuf_printf(&line, "::%s", github_command(f->severity));
    if (file && *file != '/') { /* only files of the checkout can be annotated */
        github_property(&line, "file", file, true);
        strbuf_printf(&line, ",line=%u", at->line);
        if (at->column) strbuf_printf(&line, ",col=%u", at->column);
        file = NULL;
    }
    strbuf_printf(&title, "twatch: %s", f->rule->name);
    github_property(&line, "title", strbuf_text(&title), line.n <= sizeof "::warning");
    escape_add(&message, ESCAPE_TEXT, f->message);
    strbuf_puts(&message, "\n\n");
    report_body(r, &message, f);
    strbuf_puts(&line, "::");
    escape_add(&line, ESCAPE_GITHUB, strbuf_text(&message));
    fprintf(out, "%s\n", strbuf_text(&line));
    strbuf_free(&line);
    strbuf_free(&message);
    strbuf_free(&title);
}

void report_github_print(FILE *out, const struct report *r) {
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_NOTE; severity--) {
        size_t all = report_count_severity(r, (enum severity)severity), shown = 0;
        for (size_t i = 0; i < r->nfindings && shown < GITHUB_SHOWN; i++) {
            if ((int)r->findings[i]->severity != severity || !report_counts(r->findings[i])) continue;
            github_finding(out, r, r->findings[i]);
            shown++;
        }
        if (shown < all)
            fprintf(out, "::%s title=twatch::%zu more, see the full report\n", github_command((enum severity)severity),
                    all - shown);
    }
}
