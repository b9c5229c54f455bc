#include "status.h"

#include "base/mem.h"
#include "finding/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- threads ---- */

/* The newest object at an address: held entries of busy locks carry no id. */
static uint32_t status_object_at(const struct model *m, uint64_t address) {
    uint32_t best = 0;
    for (uint32_t id = 1; id < m->objects.n; id++) {
        const struct twatch_object *o = model_object(m, id);
        if (o && o->address == address && o->kind != TWATCH_OBJ_KEY &&
                o->kind != TWATCH_OBJ_EVENTS) best = id;
    }
    return best;
}

static const char *status_object(const struct model *m, struct arena *a, uint32_t id, uint64_t address) {
    return model_object(m, id) ? names_object(m, a, id) : arena_printf(a, "0x%" PRIx64, address);
}

static void status_held(
        struct status_thread *t, struct arena *a, const struct model *m, const struct model_state *state) {
    struct status_held *held = arena_array(a, state->nheld + 1, sizeof *held);
    for (uint32_t i = 0; i < state->nheld; i++) {
        const struct twatch_held *h = &state->held[i];
        uint32_t id = h->object ? h->object : status_object_at(m, h->address);
        held[i] = (struct status_held){.name = status_object(m, a, id, h->address),
                .kind = names_kind((uint8_t)(h->flags >> TWATCH_HELD_KIND_SHIFT)),
                .address = h->address,
                .stack = h->stack,
                .site = h->site,
                .shared = h->mode == TWATCH_MODE_SHARED,
                .recursion = h->recursion};
    }
    t->held = held;
    t->nheld = state->nheld;
}

/* Whoever holds it in a way that is in the way. */
static void status_holders(
        struct status_thread *t, struct arena *a, const struct model *m, const struct twatch_slot *slot) {
    uint32_t *holders = arena_array(a, m->nstates + 1, sizeof *holders);
    if (slot->wait_kind == TWATCH_OBJ_THREAD || slot->wait_kind == TWATCH_OBJ_COND) return;
    for (size_t i = 0; i < m->nstates; i++) {
        const struct model_state *s = &m->states[i];
        bool holds = false;
        for (uint32_t k = 0; k < s->nheld; k++)
            holds |= s->held[k].address == slot->wait_address &&
                     !(slot->wait_mode == TWATCH_MODE_SHARED && s->held[k].mode == TWATCH_MODE_SHARED);
        if (holds) holders[t->nholders++] = s->thread;
    }
    t->holders = holders;
}

static void status_wait(
        struct status_thread *t, struct arena *a, const struct model *m, const struct twatch_slot *slot) {
    t->waiting = true;
    t->wait_ns = m->now_ns > slot->wait_since_ns ? m->now_ns - slot->wait_since_ns : 0;
    t->timed = slot->wait_flags & TWATCH_WAIT_TIMED;
    t->reported = slot->wait_flags & TWATCH_WAIT_REPORTED;
    if (slot->wait_deadline_ns > m->now_ns) t->left_ns = slot->wait_deadline_ns - m->now_ns;
    t->shared = slot->wait_kind == TWATCH_OBJ_RWLOCK && slot->wait_mode == TWATCH_MODE_SHARED;
    t->stack = slot->wait_stack;
    t->address = slot->wait_address;
    if (slot->wait_kind == TWATCH_OBJ_THREAD) {
        t->kind = "end of";
        t->object = slot->wait_thread ? names_thread(m, a, slot->wait_thread) : "a thread";
        return;
    }
    t->kind = names_kind(slot->wait_kind);
    t->object = status_object(m, a, slot->wait_object, slot->wait_address);
    status_holders(t, a, m, slot);
}

static int status_by_id(const void *a, const void *b) {
    const struct status_thread *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void status_threads(struct status *s, struct arena *a) {
    const struct model *m = s->model;
    struct status_thread *threads = arena_array(a, m->nstates + 1, sizeof *threads);
    for (size_t i = 0; i < m->nstates; i++) {
        const struct model_state *state = &m->states[i];
        const struct twatch_thread *d = model_thread(m, state->thread);
        struct status_thread *t = &threads[s->nthreads];
        *t = (struct status_thread){
                .id = state->thread, .tid = d->tid, .name = names_thread_short(m, a, state->thread)};
        status_held(t, a, m, state);
        if (state->waiting) status_wait(t, a, m, state->slot);
        if (!t->waiting) t->doing = s->live ? status_doing(a, m->header->pid, d->tid) : "running";
        if (!t->waiting && !t->doing) continue; /* ended since the record was read */
        s->nwaiting += t->waiting;
        s->nthreads++;
    }
    qsort(threads, s->nthreads, sizeof *threads, status_by_id);
    s->threads = threads;
}

/* ---- locks ---- */

struct status_row { /* of one object */
    uint32_t id;
    uint64_t acquisitions, contended, wait_ns, wait_max_ns;
};

static int status_by_acquisitions(const void *a, const void *b) {
    const struct status_row *x = a, *y = b;
    if (x->acquisitions != y->acquisitions) return x->acquisitions > y->acquisitions ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int status_by_wait(const void *a, const void *b) {
    const struct status_row *x = a, *y = b;
    if (x->wait_ns != y->wait_ns) return x->wait_ns > y->wait_ns ? -1 : 1;
    return status_by_acquisitions(a, b);
}

static void status_add(struct status_row *r, uint64_t contended, uint64_t wait_ns, uint64_t wait_max_ns) {
    r->contended += contended;
    r->wait_ns += wait_ns;
    if (wait_max_ns > r->wait_max_ns) r->wait_max_ns = wait_max_ns;
}

/* Condition variables are waited on because there is nothing to do: that is no contention. */
static void status_rows(const struct model *m, struct status_row *rows) {
    for (uint32_t id = 1; id < m->objects.n; id++) {
        const struct twatch_object *o = model_object(m, id);
        rows[id].id = id;
        if (o) rows[id].acquisitions = o->acquisitions;
    }
    for (size_t i = 0; i < m->stats.n; i++) {
        const struct twatch_stat *x = model_stat(m, i);
        if (x && x->object < m->objects.n) status_add(&rows[x->object], x->contended, x->wait_ns, x->wait_max_ns);
    }
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        const struct twatch_object *o = u ? model_object(m, u->object) : NULL;
        if (!o || u->object >= m->objects.n || o->kind != TWATCH_OBJ_SEM) continue;
        rows[u->object].acquisitions += u->waits;
        status_add(&rows[u->object], u->blocked, u->wait_ns, u->wait_max_ns);
    }
}

static size_t status_top(const struct status *s, struct arena *a, const struct status_row *rows, size_t n, size_t most,
        bool contended, const struct status_lock **out) {
    struct status_lock *top = arena_array(a, most + 1, sizeof *top);
    size_t used = 0;
    for (size_t i = 0; i < n && used < most; i++) {
        const struct status_row *r = &rows[i];
        const struct twatch_object *o = model_object(s->model, r->id);
        if (!o || (contended ? r->contended : r->acquisitions) == 0) continue;
        top[used++] = (struct status_lock){.name = names_object(s->model, a, r->id),
                .kind = names_kind(o->kind),
                .acquisitions = r->acquisitions,
                .contended = r->contended,
                .wait_ns = r->wait_ns,
                .wait_max_ns = r->wait_max_ns};
    }
    *out = top;
    return used;
}

static void status_locks(struct status *s, struct arena *a, size_t most) {
    size_t n = s->model->objects.n;
    struct status_row *rows = mem_new(n + 1, sizeof *rows);
    status_rows(s->model, rows);
    qsort(rows, n, sizeof *rows, status_by_acquisitions);
    s->nbusiest = status_top(s, a, rows, n, most, false, &s->busiest);
    qsort(rows, n, sizeof *rows, status_by_wait);
    s->ncontended = status_top(s, a, rows, n, most, true, &s->contended);
    free(rows);
}

void status_collect(struct status *s, struct arena *a, const struct model *m, struct symbols *symbols,
        const struct status_view *view) {
    *s = (struct status){.model = m, .symbols = symbols, .exe = model_string(m, m->header->exe, NULL), .live = m->live};
    s->age_ns = m->now_ns > m->header->start_ns ? m->now_ns - m->header->start_ns : 0;
    status_threads(s, a);
    status_locks(s, a, view->most);
}
