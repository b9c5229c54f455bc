/*
 * JUnit XML as CI servers read it: a test case a finding, and one that passes for each kind that found nothing, so that
 * trends show. Only what Jenkins' schema knows: a case has no attributes for its file and line, so the place stands in
 * the failure's message.
 */
#include "base/progress.h"
#include "report/escape.h"
#include "report/report.h"

void report_junit_print(FILE *out, const struct report *r);

static void junit_attribute(FILE *out, const char *name, const char *text) {
    struct strbuf plain = {0};
    escape_add(&plain, ESCAPE_TEXT, text);
    fprintf(out, " %s=\"", name);
    escape_put(out, ESCAPE_XML, strbuf_text(&plain));
    putc('"', out);
    strbuf_free(&plain);
}

static bool junit_fails(const struct report *r, const struct finding *f) {
    return report_counts(f) && (int)f->severity >= r->fail_on;
}

static void junit_body(FILE *out, const struct report *r, const struct finding *f, const char *element) {
    struct strbuf body = {0};
    report_body(r, &body, f);
    fprintf(out, "   <%s", element);
    if (*element == 'f') {
        const struct symbol_frame *at = report_blame(r, f);
        struct strbuf message = {0};
        strbuf_puts(&message, f->message);
        if (at && at->file && at->line) strbuf_printf(&message, " (%s:%u)", report_relative(r, at->file), at->line);
        junit_attribute(out, "type", f->rule->name);
        junit_attribute(out, "message", strbuf_text(&message));
        strbuf_free(&message);
    }
    putc('>', out);
    escape_put(out, ESCAPE_XML, strbuf_text(&body));
    fprintf(out, "</%s>\n", element);
    strbuf_free(&body);
}

static void junit_finding(FILE *out, const struct report *r, const struct finding *f) {
    struct strbuf class = {0}, name = {0};
    strbuf_printf(&class, "twatch.%s", f->rule->name);
    /* The fingerprint keeps two findings with one sentence apart, from run to run the same. */
    strbuf_printf(&name, "%s (%.8s)", f->message, f->fingerprint);
    fputs("  <testcase", out);
    junit_attribute(out, "classname", strbuf_text(&class));
    junit_attribute(out, "name", strbuf_text(&name));
    fputs(" time=\"0\">\n", out);
    if (!report_counts(f)) {
        struct strbuf why = {0};
        escape_add(&why, ESCAPE_TEXT,
                f->suppressed ? (f->suppressed_by ? f->suppressed_by : "suppressed") : "known from the baseline");
        fputs("   <skipped>", out);
        escape_put(out, ESCAPE_XML, strbuf_text(&why));
        fputs("</skipped>\n", out);
        strbuf_free(&why);
    } else if (junit_fails(r, f))
        junit_body(out, r, f, "failure");
    else
        junit_body(out, r, f, "system-out");
    fputs("  </testcase>\n", out);
    strbuf_free(&class);
    strbuf_free(&name);
}

static bool junit_clean(const struct report *r, const struct rule *rule) {
    for (size_t i = 0; i < r->nfindings; i++)
        if (r->findings[i]->rule == rule) return false;
    return true;
}

void report_junit_print(FILE *out, const struct report *r) {
    size_t clean = 0, failures = 0, skipped = 0;
    for (size_t i = 0; i < r->nrules; i++)
        clean += junit_clean(r, r->rules[i]);
    for (size_t i = 0; i < r->nfindings; i++) {
        failures += junit_fails(r, r->findings[i]);
        skipped += !report_counts(r->findings[i]);
    }
    size_t tests = clean + r->nfindings;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out, "<testsuites name=\"twatch\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n", tests,
            failures);
    fprintf(out,
            " <testsuite name=\"twatch\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"0\">\n",
            tests, failures, skipped);
    for (size_t i = 0; i < r->nrules; i++)
        if (junit_clean(r, r->rules[i]))
            fprintf(out, "  <testcase classname=\"twatch.%s\" name=\"nothing found\" time=\"0\"/>\n",
                    r->rules[i]->name);
    for (size_t i = 0; i < r->nfindings; i++) {
        progress_step(i);
        junit_finding(out, r, r->findings[i]);
    }
    fputs(" </testsuite>\n</testsuites>\n", out);
}
