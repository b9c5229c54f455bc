/* The machine interface: docs/report.schema.json. Fields are added, never changed or removed, while "schema" stays the
 * same. */
#include "base/progress.h"
#include "report/json_roles.h"
#include "report/jsonout.h"
#include "report/report.h"

enum { JSON_SCHEMA = 1 };

void report_json_print(FILE *out, const struct report *r);

static void json_frame(struct jsonout *j, const char *key, const struct symbol_frame *f) {
    jsonout_inline(j, key, '{');
    jsonout_text(j, "function", f->function);
    jsonout_text(j, "file", f->file);
    if (f->line) jsonout_number(j, "line", f->line);
    if (f->column) jsonout_number(j, "column", f->column);
    jsonout_text(j, "module", f->module);
    jsonout_hex(j, "offset", f->offset);
    jsonout_bool(j, "inlined", f->inlined);
    jsonout_bool(j, "own", f->own);
    jsonout_end(j, '}');
}

static void json_stack(struct jsonout *j, const char *key, const struct symbol_trace *t) {
    jsonout_array(j, key);
    for (size_t i = 0; i < t->nframes; i++)
        json_frame(j, NULL, t->frames[i]);
    jsonout_end(j, ']');
}

static const char *json_exit(enum report_exit exit) {
    static const char *const names[] = {[REPORT_EXIT_STATUS] = "exit",
            [REPORT_EXIT_SIGNAL] = "signal",
            [REPORT_EXIT_KILLED] = "killed",
            [REPORT_EXIT_RUNNING] = "running",
            [REPORT_EXIT_EXEC] = "exec",
            [REPORT_EXIT_HUNG] = "exit"};
    return names[exit];
}

static void json_thread(struct jsonout *j, const struct report_thread *t) {
    jsonout_inline(j, NULL, '{');
    jsonout_number(j, "id", t->id);
    jsonout_text(j, "name", t->name);
    jsonout_text(j, "start", t->start);
    jsonout_number(j, "parent", t->parent);
    jsonout_number(j, "birth_ns", t->birth_ns);
    if (t->end_ns) jsonout_number(j, "end_ns", t->end_ns);
    jsonout_text(j, "ended", t->ended);
    jsonout_bool(j, "joined", t->joined);
    jsonout_bool(j, "detached", t->detached);
    if (t->joiner) jsonout_number(j, "joiner", t->joiner);
    if (t->cpu_ns) jsonout_number(j, "cpu_ns", t->cpu_ns);
    if (t->wait_ns) jsonout_number(j, "wait_ns", t->wait_ns);
    if (t->state) jsonout_text(j, "state", t->state);
    jsonout_end(j, '}');
}

static void json_summary(struct jsonout *j, const struct report *r, uint32_t run) {
    size_t counts[3] = {0}, suppressed = 0, known = 0;
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct finding *f = r->findings[i];
        if (f->run != run) continue;
        if (f->suppressed)
            suppressed++;
        else if (f->baseline == BASELINE_KNOWN)
            known++;
        else
            counts[f->severity]++;
    }
    jsonout_inline(j, "summary", '{');
    jsonout_number(j, "error", counts[SEVERITY_ERROR]);
    jsonout_number(j, "warning", counts[SEVERITY_WARNING]);
    jsonout_number(j, "note", counts[SEVERITY_NOTE]);
    jsonout_number(j, "suppressed", suppressed);
    jsonout_number(j, "known", known);
    jsonout_end(j, '}');
}

static void json_contention(struct jsonout *j, const struct report *r, uint32_t run) {
    const struct report_run *u = &r->runs[run];
    jsonout_array(j, "contention");
    for (size_t i = 0; i < u->ncontention; i++) {
        const struct report_contention *c = &u->contention[i];
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "name", c->name);
        jsonout_text(j, "kind", c->kind);
        jsonout_number(j, "acquisitions", c->acquisitions);
        jsonout_number(j, "contended", c->contended);
        jsonout_number(j, "wait_ns", c->wait_ns);
        jsonout_number(j, "wait_max_ns", c->wait_max_ns);
        jsonout_number(j, "holds", c->holds);
        jsonout_number(j, "hold_ns", c->hold_ns);
        jsonout_number(j, "hold_max_ns", c->hold_max_ns);
        json_stack(j, "stack", report_trace(r, run, c->stack, c->site));
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_intervals(struct jsonout *j, const struct report *r, uint32_t run) {
    const struct report_run *u = &r->runs[run];
    if (u->interval_least_ns) jsonout_number(j, "interval_least_ns", u->interval_least_ns);
    if (u->intervals_dropped) jsonout_number(j, "intervals_dropped", u->intervals_dropped);
    jsonout_array(j, "intervals");
    for (size_t i = 0; i < u->nintervals; i++) {
        const struct report_interval *x = &u->intervals[i];
        const struct symbol_frame *at = symbol_first_own(report_trace(r, run, x->stack, 0));
        jsonout_inline(j, NULL, '{');
        jsonout_number(j, "thread", x->thread);
        jsonout_text(j, "what", x->hold ? "hold" : "wait");
        jsonout_text(j, "kind", x->kind);
        jsonout_text(j, "name", x->name);
        jsonout_number(j, "start_ns", x->start_ns);
        jsonout_number(j, "end_ns", x->end_ns);
        if (x->open) jsonout_bool(j, "open", true);
        if (x->vain) jsonout_bool(j, "vain", true);
        if (x->late) jsonout_bool(j, "late", true);
        if (at) json_frame(j, "at", at);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_coverage(struct jsonout *j, const struct report_run *u) {
    jsonout_array(j, "coverage");
    for (size_t i = 0; i < u->ncoverage; i++) {
        const struct report_coverage *x = &u->coverage[i];
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "module", x->module);
        jsonout_number(j, "accesses", x->accesses);
        jsonout_number(j, "watched", x->watched);
        jsonout_number(j, "functions", x->functions);
        jsonout_number(j, "functions_left", x->functions_left);
        if (x->reason) jsonout_text(j, "reason", x->reason);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_run(struct jsonout *j, const struct report *r, uint32_t run) {
    const struct report_run *u = &r->runs[run];
    jsonout_object(j, NULL);
    jsonout_text(j, "record", u->record);
    jsonout_text(j, "exe", u->exe);
    jsonout_signed(j, "pid", u->pid);
    jsonout_inline(j, "argv", '[');
    for (size_t i = 0; i < u->nargv; i++)
        jsonout_text(j, NULL, u->argv[i]);
    jsonout_end(j, ']');
    jsonout_text(j, "cwd", u->cwd);
    jsonout_inline(j, "exit", '{');
    jsonout_text(j, "how", json_exit(u->exit));
    jsonout_signed(j, "code", u->exit_code);
    jsonout_end(j, '}');
    if (u->across) jsonout_bool(j, "across", true);
    jsonout_bool(j, "complete", u->complete);
    jsonout_number(j, "length_ns", u->length_ns);
    jsonout_inline(j, "losses", '{');
    for (size_t i = 0; i < u->nlosses; i++)
        jsonout_number(j, u->losses[i].key, u->losses[i].n);
    jsonout_end(j, '}');
    jsonout_array(j, "missing");
    for (size_t i = 0; i < u->nmissing; i++)
        jsonout_text(j, NULL, u->missing[i]);
    jsonout_end(j, ']');
    jsonout_array(j, "threads");
    for (size_t i = 0; i < u->nthreads; i++)
        json_thread(j, &u->threads[i]);
    jsonout_end(j, ']');
    if (u->ncoverage) json_coverage(j, u);
    json_intervals(j, r, run);
    json_contention(j, r, run);
    json_roles(j, u->roles);
    json_summary(j, r, run);
    jsonout_end(j, '}');
}

static void json_objects(struct jsonout *j, const struct report *r, const struct finding *f) {
    jsonout_array(j, "objects");
    for (size_t i = 0; i < f->nobjects; i++) {
        const struct finding_object *o = &f->objects[i];
        jsonout_object(j, NULL);
        jsonout_text(j, "id", o->label);
        jsonout_text(j, "kind", o->kind);
        jsonout_text(j, "name", o->name);
        jsonout_hex(j, "address", o->address);
        json_stack(j, "created_at", report_trace(r, f->run, o->created_stack, 0));
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_steps(struct jsonout *j, const struct report *r, const struct finding *f) {
    jsonout_array(j, "steps");
    for (size_t i = 0; i < f->nsteps; i++) {
        const struct finding_step *s = &f->steps[i];
        jsonout_object(j, NULL);
        if (s->thread < f->nthreads) jsonout_number(j, "thread", f->threads[s->thread].id);
        jsonout_text(j, "action", report_action(s->action));
        jsonout_text(
                j, "object", s->object >= 0 && (size_t)s->object < f->nobjects ? f->objects[s->object].label : NULL);
        if (s->note) jsonout_text(j, "note", s->note);
        json_stack(j, "stack", report_trace(r, f->run, s->stack, s->site));
        jsonout_inline(j, "held", '[');
        for (uint32_t h = 0; h < s->nheld; h++)
            if (s->held[h] < f->nobjects) jsonout_text(j, NULL, f->objects[s->held[h]].label);
        jsonout_end(j, ']');
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void json_finding(struct jsonout *j, const struct report *r, const struct finding *f) {
    static const char *const states[] = {[BASELINE_NEW] = "new", [BASELINE_KNOWN] = "known"};
    jsonout_object(j, NULL);
    jsonout_text(j, "kind", f->rule->name);
    jsonout_text(j, "severity", report_severity(f->severity));
    jsonout_text(j, "confidence", report_confidence(f->confidence));
    jsonout_text(j, "fingerprint", f->fingerprint);
    jsonout_text(j, "message", f->message);
    if (f->detail) jsonout_text(j, "detail", f->detail);
    jsonout_text(j, "advice", f->rule->advice);
    jsonout_number(j, "run", f->run);
    if (f->nother_runs) {
        jsonout_inline(j, "other_runs", '[');
        for (size_t i = 0; i < f->nother_runs; i++)
            jsonout_number(j, NULL, f->other_runs[i]);
        jsonout_end(j, ']');
    }
    jsonout_number(j, "count", f->count);
    jsonout_bool(j, "suppressed", f->suppressed);
    if (f->suppressed_by) jsonout_text(j, "suppressed_by", f->suppressed_by);
    if (f->baseline != BASELINE_NONE) jsonout_text(j, "baseline", states[f->baseline]);
    jsonout_array(j, "threads");
    for (size_t i = 0; i < f->nthreads; i++) {
        const struct finding_thread *t = &f->threads[i];
        jsonout_object(j, NULL);
        jsonout_number(j, "id", t->id);
        jsonout_text(j, "name", t->name);
        jsonout_number(j, "parent", t->parent);
        json_stack(j, "created_at", report_trace(r, f->run, t->created_stack, 0));
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
    json_objects(j, r, f);
    json_steps(j, r, f);
    jsonout_end(j, '}');
}

void report_json_print(FILE *out, const struct report *r) {
    struct jsonout j = {.out = out};
    jsonout_object(&j, NULL);
    jsonout_inline(&j, "twatch", '{');
    jsonout_text(&j, "version", r->version);
    jsonout_number(&j, "schema", JSON_SCHEMA);
    jsonout_end(&j, '}');
    jsonout_array(&j, "runs");
    for (size_t i = 0; i < r->nruns; i++)
        json_run(&j, r, (uint32_t)i);
    jsonout_end(&j, ']');
    jsonout_array(&j, "findings");
    for (size_t i = 0; i < r->nfindings; i++) {
        progress_step(i);
        json_finding(&j, r, r->findings[i]);
    }
    jsonout_end(&j, ']');
    jsonout_array(&j, "fixed");
    for (size_t i = 0; i < r->nfixed; i++)
        jsonout_text(&j, NULL, r->fixed[i]);
    jsonout_end(&j, ']');
    jsonout_array(&j, "notes");
    for (size_t i = 0; i < r->nnotes; i++)
        jsonout_text(&j, NULL, r->notes[i]);
    jsonout_end(&j, ']');
    jsonout_end(&j, '}');
}
