#include "status.h"

#include "report/jsonout.h"

static void status_stack(struct jsonout *j, const struct status *s, const char *key, uint32_t stack, uint64_t site) {
    const struct symbol_trace *trace = symbol_place(s->symbols, stack, site);
    jsonout_array(j, key);
    for (size_t i = 0; i < trace->nframes; i++) {
        const struct symbol_frame *f = trace->frames[i];
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "function", f->function);
        jsonout_text(j, "file", f->file);
        jsonout_number(j, "line", f->line);
        jsonout_text(j, "module", f->module);
        jsonout_hex(j, "offset", f->offset);
        jsonout_bool(j, "inlined", f->inlined);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

static void status_wait(
        struct jsonout *j, const struct status *s, const struct status_thread *t, const struct status_view *view) {
    jsonout_object(j, "waits");
    jsonout_text(j, "kind", t->kind);
    jsonout_text(j, "object", t->object);
    jsonout_hex(j, "address", t->address);
    jsonout_text(j, "mode", t->shared ? "shared" : "exclusive");
    jsonout_number(j, "for_ns", t->wait_ns);
    jsonout_bool(j, "limited", t->timed);
    jsonout_bool(j, "deadlock", t->reported);
    jsonout_inline(j, "held_by", '[');
    for (size_t i = 0; i < t->nholders; i++)
        jsonout_number(j, NULL, t->holders[i]);
    jsonout_end(j, ']');
    if (view->stacks) status_stack(j, s, "stack", t->stack, 0);
    jsonout_end(j, '}');
}

static void status_thread(
        struct jsonout *j, const struct status *s, const struct status_thread *t, const struct status_view *view) {
    jsonout_object(j, NULL);
    jsonout_number(j, "id", t->id);
    jsonout_signed(j, "tid", t->tid);
    jsonout_text(j, "name", t->name);
    jsonout_text(j, "state", t->waiting ? "waiting" : t->doing);
    if (t->waiting) status_wait(j, s, t, view);
    jsonout_array(j, "holds");
    for (size_t i = 0; i < t->nheld; i++) {
        const struct status_held *h = &t->held[i];
        jsonout_object(j, NULL);
        jsonout_text(j, "kind", h->kind);
        jsonout_text(j, "object", h->name);
        jsonout_hex(j, "address", h->address);
        jsonout_text(j, "mode", h->shared ? "shared" : "exclusive");
        jsonout_number(j, "times", (uint64_t)h->recursion + 1);
        if (view->stacks) status_stack(j, s, "stack", h->stack, h->site);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
    jsonout_end(j, '}');
}

static void status_locks(struct jsonout *j, const char *key, const struct status_lock *locks, size_t n) {
    jsonout_array(j, key);
    for (size_t i = 0; i < n; i++) {
        jsonout_inline(j, NULL, '{');
        jsonout_text(j, "kind", locks[i].kind);
        jsonout_text(j, "object", locks[i].name);
        jsonout_number(j, "acquisitions", locks[i].acquisitions);
        jsonout_number(j, "contended", locks[i].contended);
        jsonout_number(j, "wait_ns", locks[i].wait_ns);
        jsonout_number(j, "wait_max_ns", locks[i].wait_max_ns);
        jsonout_end(j, '}');
    }
    jsonout_end(j, ']');
}

void status_json(FILE *out, const struct status *s, const struct status_view *view) {
    struct jsonout j = {.out = out};
    jsonout_object(&j, NULL);
    jsonout_inline(&j, "twatch", '{');
    jsonout_text(&j, "version", TWATCH_VERSION);
    jsonout_number(&j, "schema", 1);
    jsonout_end(&j, '}');
    jsonout_text(&j, "exe", s->exe);
    jsonout_signed(&j, "pid", s->model->header->pid);
    jsonout_text(&j, "record", s->model->path);
    jsonout_bool(&j, "live", s->live);
    jsonout_number(&j, "age_ns", s->age_ns);
    jsonout_bool(&j, "deadlock", s->model->header->flags & TWATCH_HDR_DEADLOCK);
    jsonout_array(&j, "threads");
    for (size_t i = 0; i < s->nthreads; i++)
        status_thread(&j, s, &s->threads[i], view);
    jsonout_end(&j, ']');
    status_locks(&j, "busiest", s->busiest, s->nbusiest);
    status_locks(&j, "contended", s->contended, s->ncontended);
    jsonout_end(&j, '}');
    fputc('\n', out);
}
