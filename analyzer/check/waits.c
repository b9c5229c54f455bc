/*
 * What the last state of the threads says about a process that was killed, aborted, or still runs: who waits for whom.
 * The waits-for graph has AND edges (a lock's holders, the thread that is joined) and OR edges (a condition variable,
 * semaphore or barrier: any other thread may wake the waiter). Alive is who runs, waits with a time limit, or waits for
 * something that nobody known holds; then whoever waits only for the living, until nothing changes. The rest can never
 * go on (Coffman graph for AND, knot for OR). Only circles of AND edges and owners that have ended are called errors
 * here: a thread in sem_wait may be woken by a signal handler or another process, which a state cannot show.
 */
#include "check/check.h"
#include "check/waiting.h"
#include "model/locks.h"
#include "record/reader.h"

#include <stdlib.h>
#include <string.h>

enum { WAITS_EDGES = 4000000 }; /* more are not looked at: their waiters count as alive */

struct waits_edge {
    uint32_t waiter, holder; /* indices of states */
    uint32_t stack;          /* where the holder took it */
};

struct waits_hold { /* held entry `held` of a state; `next`: another holder of the same object, index + 1 */
    uint32_t state, held, next;
};

struct waits {
    struct check *c;
    const struct model *m;
    VEC(struct waits_edge) edges; /* AND, in order of waiter */
    uint32_t *first;              /* state -> its first edge; nstates + 1 entries */
    uint32_t *holder_of;          /* object -> index into holds + 1 */
    VEC(struct waits_hold) holds;
    uint32_t *ended_owner; /* object -> thread that ended holding it */
    bool *alive, *any;     /* any: an OR waiter */
    bool *said;
};

static bool waits_timeless(const struct model_state *s) {
    return s->waiting && !(s->slot->wait_flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL | TWATCH_WAIT_SHARED));
}

static void waits_index(struct waits *w) {
    for (uint32_t i = 0; i < w->m->nstates; i++)
        for (uint32_t k = 0; k < w->m->states[i].nheld; k++) {
            uint32_t object = w->m->states[i].held[k].object;
            vec_push(&w->holds, (struct waits_hold){i, k, w->holder_of[object]});
            w->holder_of[object] = (uint32_t)w->holds.n;
        }
    for (size_t i = 0; i < w->m->incidents.n; i++) {
        const struct twatch_incident *x = model_incident(w->m, i);
        if (x->kind == TWATCH_INCIDENT_LOCK_HELD_AT_THREAD_EXIT && model_object(w->m, x->object))
            w->ended_owner[x->object] = x->thread;
    }
}

static bool waits_is_lock(const struct waits *w, uint32_t object) {
    const struct twatch_object *o = model_object(w->m, object);
    return o && !(o->flags & TWATCH_OBJF_PSHARED) && locks_is_lock(w->m, object);
}

static void waits_edge(struct waits *w, uint32_t waiter, uint32_t holder, uint32_t stack) {
    if (w->edges.n < WAITS_EDGES)
        vec_push(&w->edges, (struct waits_edge){waiter, holder, stack});
    else
        w->alive[waiter] = true;
}

/* AND edges of one waiting thread; false if it counts as alive. */
static bool waits_targets(struct waits *w, uint32_t i) {
    const struct twatch_slot *s = w->m->states[i].slot;
    size_t before = w->edges.n;
    if (s->wait_kind == TWATCH_OBJ_THREAD) {
        const struct model_state *other = model_state_of(w->m, s->wait_thread);
        if (other) waits_edge(w, i, (uint32_t)(other - w->m->states), 0);
        return other != NULL;
    }
    if (!waits_is_lock(w, s->wait_object)) {
        const struct twatch_object *o = model_object(w->m, s->wait_object);
        w->any[i] = o && !(o->flags & TWATCH_OBJF_PSHARED) && s->wait_kind != TWATCH_OBJ_FUTEX;
        return w->any[i];
    }
    for (uint32_t k = w->holder_of[s->wait_object]; k; k = w->holds.at[k - 1].next) {
        const struct twatch_held *h = &w->m->states[w->holds.at[k - 1].state].held[w->holds.at[k - 1].held];
        if (s->wait_mode == TWATCH_MODE_EXCLUSIVE || h->mode == TWATCH_MODE_EXCLUSIVE)
            waits_edge(w, i, w->holds.at[k - 1].state, h->stack);
    }
    return w->edges.n > before || w->ended_owner[s->wait_object];
}

static void waits_edges(struct waits *w) {
    for (uint32_t i = 0; i < w->m->nstates; i++) {
        w->first[i] = (uint32_t)w->edges.n;
        if (!waits_timeless(&w->m->states[i]) || !waits_targets(w, i)) w->alive[i] = true;
    }
    w->first[w->m->nstates] = (uint32_t)w->edges.n;
}

/* Threads that live without a slot that could be read could do anything. */
static bool waits_unknown_thread(const struct waits *w) {
    for (uint32_t t = 1; t < w->m->threads.n; t++) {
        const struct twatch_thread *x = model_thread(w->m, t);
        if (x && x->end == TWATCH_THREAD_RUNNING && x->tid && !model_state_of(w->m, t)) return true;
    }
    return false;
}

static bool waits_ended_owner(const struct waits *w, uint32_t i) {
    const struct model_state *s = &w->m->states[i];
    return s->waiting && s->slot->wait_kind != TWATCH_OBJ_THREAD && model_object(w->m, s->slot->wait_object) &&
           w->ended_owner[s->slot->wait_object] && w->first[i] == w->first[i + 1] && !w->any[i];
}

/* The fixpoint, by counting: each thread that comes alive lowers the count of those who wait for it. */
static void waits_spread(struct waits *w) {
    uint32_t n = (uint32_t)w->m->nstates;
    uint32_t *dead_targets = mem_new(n, sizeof *dead_targets), *by_holder = mem_new((size_t)n + 2, sizeof *by_holder);
    uint32_t *waiters = mem_new(w->edges.n, sizeof *waiters);
    VEC(uint32_t) queue = {0};
    bool some = waits_unknown_thread(w), or_done = false;
    for (size_t e = 0; e < w->edges.n; e++) {
        dead_targets[w->edges.at[e].waiter]++;
        by_holder[w->edges.at[e].holder + 2]++;
    }
    for (uint32_t i = 2; i < n + 2; i++)
        by_holder[i] += by_holder[i - 1];
    for (size_t e = 0; e < w->edges.n; e++)
        waiters[by_holder[w->edges.at[e].holder + 1]++] = w->edges.at[e].waiter;
    for (uint32_t i = 0; i < n; i++)
        if (w->alive[i]) vec_push(&queue, i);
    for (size_t q = 0;; q++) {
        if (!or_done && (some || queue.n)) { /* somebody lives who may wake all that wait on OR edges */
            or_done = true;
            for (uint32_t i = 0; i < n; i++)
                if (w->any[i] && !w->alive[i]) {
                    w->alive[i] = true;
                    vec_push(&queue, i);
                }
        }
        if (q == queue.n) break;
        for (uint32_t k = by_holder[queue.at[q]]; k < by_holder[queue.at[q] + 1]; k++)
            if (--dead_targets[waiters[k]] == 0 && !w->alive[waiters[k]]) {
                w->alive[waiters[k]] = true;
                vec_push(&queue, waiters[k]);
            }
    }
    free(dead_targets);
    free(by_holder);
    free(waiters);
    vec_free(&queue);
}

static struct waiting waits_of(const struct waits *w, uint32_t i, const struct waits_edge *e) {
    const struct twatch_slot *s = w->m->states[i].slot;
    struct waiting x = {.thread = w->m->states[i].thread,
            .stack = s->wait_stack,
            .mode = s->wait_mode,
            .since_ns = s->wait_since_ns};
    x.joins = s->wait_kind == TWATCH_OBJ_THREAD;
    if (!x.joins) x.object = s->wait_object;
    if (e) {
        x.holder = w->m->states[e->holder].thread;
        x.holder_stack = e->stack;
    } else if (waits_ended_owner(w, i)) {
        x.holder = w->ended_owner[s->wait_object];
        x.note = "the owner has ended";
    }
    return x;
}

static const char *waits_prefix(const struct waits *w) {
    if (w->m->live) return NULL;
    return w->m->header->end == TWATCH_END_ABORT ? "the process was aborted while " : "the process was killed while ";
}

/* The edge by which a dead thread hangs on another dead one; NULL if there is none. */
static const struct waits_edge *waits_dead_edge(const struct waits *w, uint32_t i) {
    for (uint32_t e = w->first[i]; e < w->first[i + 1]; e++)
        if (!w->alive[w->edges.at[e].holder]) return &w->edges.at[e];
    return NULL;
}

static void waits_circle(struct waits *w, uint32_t start) {
    VEC(struct waiting) circle = {0};
    uint32_t i = start;
    do {
        const struct waits_edge *e = waits_dead_edge(w, i);
        vec_push(&circle, waits_of(w, i, e));
        w->said[i] = true;
        i = e->holder;
    } while (i != start);
    waiting_report(w->c, circle.n == 1 ? RULE_SELF_DEADLOCK : RULE_DEADLOCK, circle.at, circle.n, waits_prefix(w));
    vec_free(&circle);
}

/* Follows dead edges from every thread; what is met twice on one walk is a circle. */
static void waits_circles(struct waits *w) {
    uint32_t n = (uint32_t)w->m->nstates, *walk = mem_new(n, sizeof *walk);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (const struct waits_edge *e; !w->alive[at] && !walk[at] && (e = waits_dead_edge(w, at)); at = e->holder)
            walk[at] = i + 1;
        if (!w->alive[at] && walk[at] == i + 1 && waits_dead_edge(w, at)) waits_circle(w, at);
        if (!walk[at]) walk[at] = i + 1;
    }
    free(walk);
}

static void waits_stalls(struct waits *w) {
    for (uint32_t i = 0; i < w->m->nstates; i++)
        if (!w->alive[i] && !w->said[i] && waits_ended_owner(w, i)) {
            struct waiting x = waits_of(w, i, NULL);
            w->said[i] = true;
            waiting_report(w->c, RULE_STALL, &x, 1, waits_prefix(w));
        }
}

/* Waits for a lock or a thread, with who holds it: at least a second long when the process was killed. Also, when not
 * even one thread could go on, all of them. */
static void waits_long(struct waits *w) {
    enum { SHOWN = 50 };
    VEC(struct waiting) all = {0};
    bool stuck = w->m->nstates > 0 && !waits_unknown_thread(w);
    for (uint32_t i = 0; i < w->m->nstates; i++)
        stuck = stuck && !w->alive[i] && !w->said[i];
    for (uint32_t i = 0; i < w->m->nstates && all.n < SHOWN; i++) {
        const struct model_state *s = &w->m->states[i];
        /* When a process was killed and nobody saw it, how long the wait lasted is not known: then every one is told.
         */
        bool timed = w->m->live || w->m->record->killed_ns,
             lasting = !timed || model_seconds(s->slot->wait_since_ns, w->m->now_ns) >= 1;
        if (w->said[i] || !s->waiting || !lasting) continue;
        if (stuck || (w->first[i] < w->first[i + 1] && s->slot->wait_kind != TWATCH_OBJ_THREAD))
            vec_push(&all, waits_of(w, i, w->first[i] < w->first[i + 1] ? &w->edges.at[w->first[i]] : NULL));
    }
    if (all.n) waiting_report(w->c, RULE_HANG, all.at, all.n, waits_prefix(w));
    vec_free(&all);
}

static bool waits_wanted(const struct model *m) {
    if (m->nstates == 0 || (m->header->end != TWATCH_END_RUNNING && m->header->end != TWATCH_END_ABORT)) return false;
    for (size_t i = 0; i < m->incidents.n; i++) { /* the process saw it itself, and better */
        uint32_t kind = model_incident(m, i)->kind;
        if (kind == TWATCH_INCIDENT_DEADLOCK || kind == TWATCH_INCIDENT_STALL || kind == TWATCH_INCIDENT_SELF_DEADLOCK)
            return false;
    }
    return true;
}

void check_waits(struct check *c) {
    const struct model *m = c->m;
    if (!waits_wanted(m)) return;
    struct waits w = {.c = c,
            .m = m,
            .first = mem_new(m->nstates + 1, sizeof(uint32_t)),
            .holder_of = mem_new((size_t)m->objects.n + 1, sizeof(uint32_t)),
            .ended_owner = mem_new((size_t)m->objects.n + 1, sizeof(uint32_t)),
            .alive = mem_new(m->nstates, sizeof(bool)),
            .any = mem_new(m->nstates, sizeof(bool)),
            .said = mem_new(m->nstates, sizeof(bool))};
    waits_index(&w);
    waits_edges(&w);
    waits_spread(&w);
    waits_circles(&w);
    waits_stalls(&w);
    waits_long(&w);
    vec_free(&w.edges);
    vec_free(&w.holds);
    free(w.first);
    free(w.holder_of);
    free(w.ended_owner);
    free(w.alive);
    free(w.any);
    free(w.said);
}
