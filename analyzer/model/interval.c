#include "model/interval.h"
#include "record/reader.h"

#include <inttypes.h>
#include <stdlib.h>

typedef VEC(const void *) interval_list;

/* What contradicts itself, or lies outside the time that the record covers. */
static bool interval_ok(const struct model *m, const struct twatch_interval *i) {
    if (i->what != TWATCH_INTERVAL_WAIT && i->what != TWATCH_INTERVAL_HOLD) return false;
    if (i->kind == TWATCH_OBJ_NONE || i->kind > TWATCH_OBJ_EVENTS || !model_thread(m, i->thread)) return false;
    if (i->object && !model_object(m, i->object)) return false;
    if (i->what == TWATCH_INTERVAL_HOLD && !i->object) return false;
    if (i->kind == TWATCH_OBJ_THREAD && !model_thread(m, i->other)) return false;
    uint64_t end = m->live ? UINT64_MAX / 2 : m->now_ns; /* a process goes on while it is read */
    return i->start_ns >= m->header->start_ns && i->start_ns <= end && i->duration_ns <= end - i->start_ns;
}

/* The object's record served another when the interval began. */
static bool interval_of_another(const struct model *m, const struct twatch_interval *i) {
    const struct twatch_object *o = model_object(m, i->object);
    return o && i->start_ns < m->header->start_ns + o->reused_ms * 1000000ull;
}

static int interval_order(const void *pa, const void *pb) {
    const struct twatch_interval *a = *(const struct twatch_interval *const *)pa,
                                 *b = *(const struct twatch_interval *const *)pb;
    if (a->thread != b->thread) return a->thread < b->thread ? -1 : 1;
    if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
    if (a->duration_ns != b->duration_ns) return a->duration_ns > b->duration_ns ? -1 : 1; /* the outer one first */
    if (a->what != b->what) return a->what > b->what ? -1 : 1;
    return a->object < b->object ? -1 : a->object > b->object;
}

static void interval_open(struct model *m, interval_list *all, struct twatch_interval i) {
    i.flags |= INTERVAL_OPEN;
    i.duration_ns = m->now_ns > i.start_ns ? m->now_ns - i.start_ns : 0;
    if (!interval_ok(m, &i)) return;
    struct twatch_interval *copy = arena_alloc(&m->arena, sizeof *copy);
    *copy = i;
    vec_push(all, (const void *)copy);
}

/* Is it known since when? */
static bool interval_logged(const interval_list *all, uint32_t thread, uint32_t object) {
    for (size_t i = 0; i < all->n; i++) {
        const struct twatch_interval *x = all->at[i];
        if (x->flags & TWATCH_INTERVAL_AT_END && x->thread == thread && x->object == object) return true;
    }
    return false;
}

/* A thread that waits at the end has held what it holds at least since then. `known`: holds that the process logged
 * when it ended. */
static void interval_at_end(struct model *m, interval_list *all, const interval_list *known) {
    for (size_t k = 0; k < m->nstates; k++) {
        const struct model_state *s = &m->states[k];
        const struct twatch_slot *slot = s->slot;
        if (!s->waiting) continue;
        interval_open(m, all,
                (struct twatch_interval){.thread = s->thread,
                        .object = slot->wait_object,
                        .stack = slot->wait_stack,
                        .other = slot->wait_kind == TWATCH_OBJ_THREAD ? slot->wait_thread : slot->wait_mutex,
                        .what = TWATCH_INTERVAL_WAIT,
                        .kind = slot->wait_kind,
                        .start_ns = slot->wait_since_ns});
        for (uint32_t h = 0; h < s->nheld; h++)
            if (!interval_logged(known, s->thread, s->held[h].object))
                interval_open(m, all,
                        (struct twatch_interval){.thread = s->thread,
                                .object = s->held[h].object,
                                .stack = s->held[h].stack,
                                .what = TWATCH_INTERVAL_HOLD,
                                .kind = model_object(m, s->held[h].object)->kind,
                                .flags = (uint16_t)(TWATCH_INTERVAL_LATE |
                                                    (s->held[h].mode == TWATCH_MODE_SHARED ? TWATCH_INTERVAL_SHARED
                                                                                           : 0)),
                                .start_ns = slot->wait_since_ns});
    }
}

uint64_t interval_idle_since(const struct model *m, const struct twatch_use *u) {
    const struct twatch_object *o = model_object(m, u->object);
    const struct twatch_thread *t = model_thread(m, u->thread);
    if (!o || !t || o->kind != TWATCH_OBJ_EVENTS || u->level != 1) return 0;
    bool there = t->end == TWATCH_THREAD_RUNNING || t->end == TWATCH_THREAD_PROCESS;
    return there && u->last_ns >= m->header->start_ns && u->last_ns <= m->now_ns ? u->last_ns : 0;
}

static void interval_idle(struct model *m, interval_list *all) {
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        uint64_t since = u ? interval_idle_since(m, u) : 0;
        if (since)
            interval_open(m, all,
                    (struct twatch_interval){.thread = u->thread,
                            .object = u->object,
                            .stack = u->wait_stack,
                            .what = TWATCH_INTERVAL_WAIT,
                            .kind = TWATCH_OBJ_EVENTS,
                            .start_ns = since});
    }
}

/* What was waited for is no longer known. */
static const struct twatch_interval *interval_nameless(struct model *m, const struct twatch_interval *i) {
    struct twatch_interval *copy = arena_alloc(&m->arena, sizeof *copy);
    *copy = *i;
    copy->object = 0;
    return copy;
}

void interval_build(struct model *m, struct record *r) {
    interval_list all = {0}, at_end = {0};
    uint64_t bad = 0;
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        for (uint32_t at = 0; c->kind == TWATCH_CHUNK_INTERVAL && at < c->used; at += c->elem_size) {
            const struct twatch_interval *e = (const void *)(c->data + at);
            if (e->what == TWATCH_INTERVAL_NONE) continue;
            if (!interval_ok(m, e))
                bad++;
            else if (e->flags & TWATCH_INTERVAL_AT_END)
                interval_open(m, &at_end, *e);
            else if (!interval_of_another(m, e))
                vec_push(&all, (const void *)e);
            else if (e->what == TWATCH_INTERVAL_WAIT)
                vec_push(&all, (const void *)interval_nameless(m, e));
        }
    }
    if (bad) record_note(r, "%" PRIu64 " waits and holds that contradict themselves were left out", bad);
    for (size_t i = 0; i < at_end.n; i++)
        vec_push(&all, at_end.at[i]);
    interval_at_end(m, &all, &at_end);
    vec_free(&at_end);
    interval_idle(m, &all);
    if (all.n > 1) qsort(all.at, all.n, sizeof *all.at, interval_order);
    m->intervals = (struct model_list){all.at, all.n};
}

const struct twatch_interval *const *interval_of(const struct model *m, uint32_t thread, size_t *n) {
    size_t low = 0, high = m->intervals.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model_interval(m, middle)->thread < thread)
            low = middle + 1;
        else
            high = middle;
    }
    size_t first = low;
    while (low < m->intervals.n && model_interval(m, low)->thread == thread)
        low++;
    *n = low - first;
    return (const struct twatch_interval *const *)(const void *)(m->intervals.at ? m->intervals.at + first : NULL);
}

const struct twatch_interval *interval_open_hold(const struct model *m, uint32_t thread, uint32_t object) {
    size_t n;
    for (const struct twatch_interval *const *i = interval_of(m, thread, &n); n--; i++)
        if ((*i)->what == TWATCH_INTERVAL_HOLD && (*i)->flags & INTERVAL_OPEN && (*i)->object == object) return *i;
    return NULL;
}
