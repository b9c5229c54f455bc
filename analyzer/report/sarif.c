/*
 * SARIF 2.1.0 (OASIS), with what GitHub code scanning asks for ("SARIF support for code scanning"): rules with texts,
 * one primary location in the project's own code, relative URIs, primaryLocationLineHash, and its limits.
 */
#include "base/strbuf.h"
#include "base/progress.h"
#include "report/escape.h"
#include "report/jsonout.h"
#include "report/report.h"

#include <ctype.h>
#include <string.h>

void report_sarif_print(FILE *out, const struct report *r);

enum {
    SARIF_RESULTS = 25000,
    SARIF_RELATED = 100,
    SARIF_FLOW = 1000,
    SARIF_FRAMES = 64,
    SARIF_FRAMES_LEAST = 3,
    SARIF_ALL_FRAMES = 64000,
    SARIF_TEXT = 1024
};

/* Frames shown of each stack: code scanning refuses files of more than 10 MB compressed, and the stacks are what is
 * large. */
static size_t sarif_depth(const struct report *r) {
    size_t depth = r->nfindings ? SARIF_ALL_FRAMES / r->nfindings : SARIF_FRAMES;
    return depth < SARIF_FRAMES_LEAST ? SARIF_FRAMES_LEAST : depth < SARIF_FRAMES ? depth : SARIF_FRAMES;
}

/* A message in SARIF's syntax (3.11): a name must not make a link or a placeholder. */
static void sarif_message(struct jsonout *j, const char *key, const char *text) {
    struct strbuf b = {0};
    for (const char *p = text; *p && b.n < SARIF_TEXT * 8; p++) {
        strbuf_putc(&b, *p);
        if ((p[0] == ']' && p[1] == '(') || (p[0] == '{' && isdigit((unsigned char)p[1]))) strbuf_putc(&b, ' ');
    }
    jsonout_inline(j, key, '{');
    jsonout_text(j, "text", b.n ? strbuf_text(&b) : "(no text)"); /* empty texts are refused */
    jsonout_end(j, '}');
    strbuf_free(&b);
}

static void sarif_words(struct jsonout *j, const char *key, const char *text) {
    struct strbuf plain = {0};
    escape_add(&plain, ESCAPE_TEXT, text);
    sarif_message(j, key, strbuf_text(&plain));
    strbuf_free(&plain);
}

static void sarif_artifact(struct jsonout *j, const struct report *r, const char *path) {
    struct strbuf uri = {0};
    const char *relative = report_relative(r, path);
    if (*relative == '/') strbuf_puts(&uri, "file://");
    escape_add(&uri, ESCAPE_URI, relative);
    jsonout_inline(j, "artifactLocation", '{');
    jsonout_text(j, "uri", strbuf_text(&uri));
    if (*relative != '/' && r->style.root) jsonout_text(j, "uriBaseId", "SRCROOT");
    jsonout_end(j, '}');
    strbuf_free(&uri);
}

static void sarif_region(struct jsonout *j, const struct report *r, uint32_t run, const struct symbol_frame *f) {
    const char *line =
            run < r->nruns && r->runs[run].symbols ? symbol_source_line(r->runs[run].symbols, f->path, f->line) : NULL;
    uint32_t column = f->column ? f->column : 1;
    size_t end = line && strlen(line) + 1 > column ? strlen(line) + 1 : column + 1;
    jsonout_inline(j, "region", '{');
    jsonout_number(j, "startLine", f->line);
    jsonout_number(j, "startColumn", column);
    jsonout_number(j, "endLine", f->line);
    jsonout_number(j, "endColumn", end);
    jsonout_end(j, '}');
}

/* What stands for a place without source: the program itself. */
static const char *sarif_fallback(const struct report *r, uint32_t run) {
    const char *exe = run < r->nruns ? r->runs[run].exe : NULL;
    if (!exe || !*exe) return "program";
    const char *relative = report_relative(r, exe), *slash = strrchr(relative, '/');
    return *relative == '/' && slash[1] ? slash + 1 : relative;
}

static void sarif_physical(struct jsonout *j, const struct report *r, uint32_t run, const struct symbol_frame *f) {
    jsonout_inline(j, "physicalLocation", '{');
    if (f && f->file && *f->file && f->line) {
        sarif_artifact(j, r, f->file);
        sarif_region(j, r, run, f);
    } else {
        sarif_artifact(j, r, sarif_fallback(r, run));
        jsonout_inline(j, "region", '{');
        jsonout_number(j, "startLine", 1);
        jsonout_number(j, "startColumn", 1);
        jsonout_number(j, "endLine", 1);
        jsonout_number(j, "endColumn", 2);
        jsonout_end(j, '}');
    }
    jsonout_end(j, '}');
}

static void sarif_logical(struct jsonout *j, const struct symbol_frame *f) {
    if (!f || !f->function || !*f->function) return;
    jsonout_inline(j, "logicalLocations", '[');
    jsonout_inline(j, NULL, '{');
    jsonout_text(j, "fullyQualifiedName", f->function);
    jsonout_text(j, "kind", "function");
    jsonout_end(j, '}');
    jsonout_end(j, ']');
}

static void sarif_location(struct jsonout *j, const char *key, const struct report *r, uint32_t run,
        const struct symbol_frame *f, const char *message) {
    jsonout_inline(j, key, '{');
    sarif_physical(j, r, run, f);
    sarif_logical(j, f);
    if (message) sarif_words(j, "message", message);
    jsonout_end(j, '}');
}

static void sarif_stack(struct jsonout *j, const struct report *r, uint32_t run, const struct symbol_trace *t) {
    if (!t->nframes) return;
    jsonout_inline(j, "stack", '{');
    jsonout_inline(j, "frames", '[');
    for (size_t i = 0, depth = sarif_depth(r); i < t->nframes && i < depth; i++) {
        const struct symbol_frame *f = t->frames[i];
        struct strbuf words = {0};
        report_frame_words(r, &words, f);
        jsonout_inline(j, NULL, '{');
        jsonout_inline(j, "location", '{');
        if (f->file && f->line) sarif_physical(j, r, run, f);
        sarif_logical(j, f);
        sarif_words(j, "message", strbuf_text(&words));
        jsonout_end(j, '}');
        if (f->module && *f->module) jsonout_text(j, "module", f->module);
        jsonout_end(j, '}');
        strbuf_free(&words);
    }
    jsonout_end(j, ']');
    jsonout_end(j, '}');
}

static const char *sarif_precision(const struct report *r, const struct rule *rule) {
    enum confidence best = CONFIDENCE_POSSIBLE;
    bool any = false;
    for (size_t i = 0; i < r->nfindings; i++)
        if (r->findings[i]->rule == rule) {
            any = true;
            if (r->findings[i]->confidence > best) best = r->findings[i]->confidence;
        }
    return !any || best == CONFIDENCE_PREDICTED ? "high" : best == CONFIDENCE_CONFIRMED ? "very-high" : "medium";
}

static const char *sarif_level(enum severity severity) {
    return report_severity(severity); /* error, warning, note: SARIF's own words */
}

static void sarif_rule(struct jsonout *j, const struct report *r, const struct rule *rule) {
    jsonout_object(j, NULL);
    jsonout_text(j, "id", rule->name);
    sarif_message(j, "shortDescription", rule->title);
    sarif_message(j, "fullDescription", rule->help);
    sarif_message(j, "help", rule->advice ? rule->advice : rule->help);
    jsonout_inline(j, "defaultConfiguration", '{');
    jsonout_text(j, "level", sarif_level(rule->severity));
    jsonout_end(j, '}');
    jsonout_inline(j, "properties", '{');
    jsonout_text(j, "precision", sarif_precision(r, rule));
    jsonout_text(j, "problem.severity",
            rule->severity == SEVERITY_NOTE ? "recommendation" : report_severity(rule->severity));
    jsonout_inline(j, "tags", '[');
    jsonout_text(j, NULL, "concurrency");
    jsonout_end(j, ']');
    jsonout_end(j, '}');
    jsonout_end(j, '}');
}

static size_t sarif_rule_index(const struct report *r, const struct rule *rule) {
    size_t i = 0;
    while (i < r->nrules && r->rules[i] != rule && strcmp(r->rules[i]->name, rule->name) != 0)
        i++;
    return i;
}

static void sarif_thread_flow(struct jsonout *j, const struct report *r, const struct finding *f, size_t thread) {
    size_t said = 0;
    jsonout_object(j, NULL);
    struct strbuf name = {0};
    if (f->threads[thread].id) strbuf_printf(&name, "thread %u ", f->threads[thread].id);
    escape_add(&name, ESCAPE_TEXT, f->threads[thread].name);
    jsonout_text(j, "id", strbuf_text(&name));
    strbuf_free(&name);
    jsonout_array(j, "locations");
    for (size_t i = 0; i < f->nsteps && said < SARIF_FLOW / (f->nthreads ? f->nthreads : 1) + 1; i++) {
        const struct finding_step *s = &f->steps[i];
        if (s->thread != thread) continue;
        const struct symbol_trace *t = report_trace(r, f->run, s->stack, s->site);
        struct strbuf words = {0};
        report_step_words(&words, f, s);
        jsonout_object(j, NULL);
        sarif_location(j, "location", r, f->run, symbol_first_own(t), strbuf_text(&words));
        sarif_stack(j, r, f->run, t);
        jsonout_end(j, '}');
        strbuf_free(&words);
        said++;
    }
    jsonout_end(j, ']');
    jsonout_end(j, '}');
}

static bool sarif_thread_acts(const struct finding *f, size_t thread) {
    for (size_t i = 0; i < f->nsteps; i++)
        if (f->steps[i].thread == thread) return true;
    return false;
}

static void sarif_code_flow(struct jsonout *j, const struct report *r, const struct finding *f) {
    bool any = false;
    for (size_t i = 0; i < f->nthreads && i < SARIF_FLOW; i++) {
        if (!sarif_thread_acts(f, i)) continue; /* a flow without locations is refused */
        if (!any) {
            jsonout_array(j, "codeFlows");
            jsonout_object(j, NULL);
            jsonout_array(j, "threadFlows");
            any = true;
        }
        sarif_thread_flow(j, r, f, i);
    }
    if (!any) return;
    jsonout_end(j, ']');
    jsonout_end(j, '}');
    jsonout_end(j, ']');
}

static void sarif_related(struct jsonout *j, const struct report *r, const struct finding *f) {
    size_t id = 0;
    jsonout_array(j, "relatedLocations");
    for (size_t i = 0; i < f->nobjects + f->nthreads && id < SARIF_RELATED; i++) {
        bool object = i < f->nobjects;
        uint32_t stack = object ? f->objects[i].created_stack : f->threads[i - f->nobjects].created_stack;
        const struct symbol_frame *at = symbol_first_own(report_trace(r, f->run, stack, 0));
        struct strbuf words = {0};
        if (!at || !at->file || !at->line) continue;
        if (object)
            report_object_words(&words, &f->objects[i]);
        else
            strbuf_printf(&words, "thread %u %s", f->threads[i - f->nobjects].id, f->threads[i - f->nobjects].name);
        strbuf_puts(&words, " was made here");
        jsonout_inline(j, NULL, '{');
        jsonout_number(j, "id", ++id);
        sarif_physical(j, r, f->run, at);
        sarif_words(j, "message", strbuf_text(&words));
        jsonout_end(j, '}');
        strbuf_free(&words);
    }
    jsonout_end(j, ']');
}

static void sarif_result(struct jsonout *j, const struct report *r, const struct finding *f) {
    jsonout_object(j, NULL);
    jsonout_text(j, "ruleId", f->rule->name);
    size_t index = sarif_rule_index(r, f->rule);
    if (index < r->nrules) jsonout_number(j, "ruleIndex", index);
    jsonout_text(j, "level", sarif_level(f->severity));
    sarif_words(j, "message", f->message);
    jsonout_array(j, "locations");
    sarif_location(j, NULL, r, f->run, report_blame(r, f), NULL);
    jsonout_end(j, ']');
    sarif_related(j, r, f);
    sarif_code_flow(j, r, f);
    jsonout_inline(j, "partialFingerprints", '{');
    jsonout_text(j, "primaryLocationLineHash", f->fingerprint);
    jsonout_text(j, "twatch/v1", f->fingerprint);
    jsonout_end(j, '}');
    if (f->count > 0) jsonout_number(j, "occurrenceCount", f->count < INT32_MAX ? f->count : INT32_MAX);
    if (f->baseline != BASELINE_NONE)
        jsonout_text(j, "baselineState", f->baseline == BASELINE_NEW ? "new" : "unchanged");
    jsonout_inline(j, "suppressions", '[');
    if (f->suppressed) {
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "kind", "external");
        if (f->suppressed_by) jsonout_text(j, "justification", f->suppressed_by);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
    jsonout_inline(j, "properties", '{');
    jsonout_text(j, "confidence", report_confidence(f->confidence));
    jsonout_end(j, '}');
    jsonout_end(j, '}');
}

static void sarif_tool(struct jsonout *j, const struct report *r) {
    jsonout_object(j, "tool");
    jsonout_object(j, "driver");
    jsonout_text(j, "name", "twatch");
    jsonout_text(j, "semanticVersion", r->version);
    jsonout_array(j, "rules");
    for (size_t i = 0; i < r->nrules; i++)
        sarif_rule(j, r, r->rules[i]);
    jsonout_end(j, ']');
    jsonout_end(j, '}');
    jsonout_end(j, '}');
}

static void sarif_directory(struct jsonout *j, const char *key, const char *path) {
    struct strbuf uri = {0};
    strbuf_puts(&uri, "file://");
    escape_add(&uri, ESCAPE_URI, path);
    if (uri.at[uri.n - 1] != '/') strbuf_putc(&uri, '/');
    jsonout_inline(j, key, '{');
    jsonout_text(j, "uri", strbuf_text(&uri));
    jsonout_end(j, '}');
    strbuf_free(&uri);
}

static void sarif_notification(struct jsonout *j, const char *text) {
    jsonout_inline(j, NULL, '{');
    jsonout_text(j, "level", "note");
    sarif_words(j, "message", text);
    jsonout_end(j, '}');
}

/* What was lost or missing, as notifications; and how many results the limit left out. */
static void sarif_invocation(struct jsonout *j, const struct report *r) {
    jsonout_array(j, "invocations");
    jsonout_object(j, NULL);
    jsonout_bool(j, "executionSuccessful", true);
    if (r->style.root) sarif_directory(j, "workingDirectory", r->style.root);
    jsonout_array(j, "toolExecutionNotifications");
    for (size_t i = 0; i < r->nnotes; i++)
        sarif_notification(j, r->notes[i]);
    if (r->nfindings > SARIF_RESULTS)
        sarif_notification(j, "There are more findings than a SARIF file may hold; the least severe were left out.");
    if (sarif_depth(r) < SARIF_FRAMES)
        sarif_notification(j, "There are so many findings that stacks are cut short here; the JSON report has all of "
                              "them.");
    jsonout_end(j, ']');
    jsonout_end(j, '}');
    jsonout_end(j, ']');
}

void report_sarif_print(FILE *out, const struct report *r) {
    struct jsonout j = {.out = out};
    jsonout_object(&j, NULL);
    jsonout_text(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    jsonout_text(&j, "version", "2.1.0");
    jsonout_array(&j, "runs");
    jsonout_object(&j, NULL);
    sarif_tool(&j, r);
    sarif_invocation(&j, r);
    if (r->style.root) {
        jsonout_inline(&j, "originalUriBaseIds", '{');
        sarif_directory(&j, "SRCROOT", r->style.root);
        jsonout_end(&j, '}');
    }
    jsonout_text(&j, "columnKind", "unicodeCodePoints");
    jsonout_array(&j, "results");
    for (size_t i = 0; i < r->nfindings && i < SARIF_RESULTS; i++) {
        progress_step(i);
        sarif_result(&j, r, r->findings[i]);
    }
    jsonout_end(&j, ']');
    jsonout_end(&j, '}');
    jsonout_end(&j, ']');
    jsonout_end(&j, '}');
}
