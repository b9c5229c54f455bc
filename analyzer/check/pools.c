/*
 * pool-starvation: threads of one start routine are a pool when they take their work from one queue, a condition
 * variable or semaphore that nobody else waits on. The pool starves when all of them wait for ever for something else,
 * while the queue was told of work that nobody has come for. Workers that always found work at once never waited at
 * their queue; then it is known by being told of work from outside and by workers.
 */
#include "check/check.h"
#include "finding/names.h"

#include <stdlib.h>

static bool pools_waits(const struct model_state *s) {
    return s && s->waiting && !(s->slot->wait_flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL | TWATCH_WAIT_SHARED));
}

static int pools_by_object(const void *pa, const void *pb) {
    const struct twatch_use *a = *(const struct twatch_use *const *)pa, *b = *(const struct twatch_use *const *)pb;
    if (a->object != b->object) return a->object < b->object ? -1 : 1;
    return a->thread < b->thread ? -1 : a->thread > b->thread;
}

static uint64_t pools_routine(const struct model *m, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    return t ? t->start_routine : 0;
}

/* The start routine of those who told this object of work when nobody waited, and that of somebody else too; 0: not so.
 */
static uint64_t pools_inside_and_outside(const struct model *m, const struct twatch_use *const *u, size_t n) {
    uint64_t inside = 0;
    bool outside = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t mine = pools_routine(m, u[i]->thread);
        const struct twatch_thread *t = model_thread(m, u[i]->thread);
        if (!u[i]->posts || !t) continue;
        if (t->flags & TWATCH_THREAD_MAIN)
            outside = true;
        else if (!u[i]->posts_to_nobody || (inside && inside != mine))
            return 0;
        else
            inside = mine;
    }
    return outside ? inside : 0;
}

/* Was work announced at this queue that nobody fetched? 0: no, or not a queue of one pool. *routine: the pool's. */
static uint64_t pools_queued(const struct model *m, const struct twatch_use *const *u, size_t n, uint64_t *routine) {
    const struct twatch_object *o = model_object(m, u[0]->object);
    uint64_t posts = 0, waits = 0, nobody = 0;
    *routine = 0;
    for (size_t i = 0; i < n; i++) {
        posts += u[i]->posts;
        waits += u[i]->waits;
        nobody += u[i]->posts_to_nobody;
        if (!u[i]->waits) continue;
        uint64_t mine = pools_routine(m, u[i]->thread);
        if (!mine || (*routine && *routine != mine)) return 0;
        *routine = mine;
    }
    if (!o) return 0;
    if (!*routine && o->kind == TWATCH_OBJ_COND) *routine = pools_inside_and_outside(m, u, n);
    if (!*routine) return 0;
    if (o->kind == TWATCH_OBJ_COND) return nobody;
    return o->kind == TWATCH_OBJ_SEM && posts > waits ? posts - waits : 0;
}

/* All living threads of the routine wait for ever, none at the queue; at least two. Gives one of them. */
static uint32_t pools_stuck(const struct model *m, uint64_t routine, uint32_t queue, uint32_t *size) {
    uint32_t one = 0;
    *size = 0;
    for (size_t i = 0; i < m->nstates; i++) {
        const struct model_state *s = &m->states[i];
        if (pools_routine(m, s->thread) != routine) continue;
        if (!pools_waits(s) || s->slot->wait_object == queue || s->slot->wait_kind == TWATCH_OBJ_FUTEX) return 0;
        one = s->thread;
        ++*size;
    }
    return *size >= 2 ? one : 0;
}

/* Somebody outside the pool who still runs may give what the workers wait for. */
static bool pools_others_stuck(const struct model *m) {
    for (size_t i = 0; i < m->nstates; i++)
        if (!pools_waits(&m->states[i])) return false;
    return true;
}

static void pools_report(struct check *c, const struct twatch_use *const *u, size_t n, uint64_t routine) {
    uint32_t size, worker = pools_stuck(c->m, routine, u[0]->object, &size);
    if (!worker) return;
    struct draft *d = draft_begin(c->out, check_rule(RULE_POOL_STARVATION), c->m);
    const struct model_state *s = model_state_of(c->m, worker);
    int32_t queue = draft_object(d, u[0]->object);
    uint32_t who = draft_thread(d, worker);
    draft_finding(d)->count = size;
    draft_step(d, who, s->slot->wait_kind == TWATCH_OBJ_THREAD ? ACTION_JOINS : ACTION_WAITS,
            draft_object(d, s->slot->wait_object), s->slot->wait_stack, 0, "as do all workers");
    for (size_t i = 0; i < n; i++)
        if (u[i]->posts_to_nobody || u[i]->posts > u[i]->waits) {
            draft_step(d, draft_thread(d, u[i]->thread), ACTION_SIGNALS, queue, u[i]->post_stack, 0, "work is queued");
            break;
        }
    draft_message(d, "all %u workers like %s are blocked, and work was queued at %s that only a worker can do", size,
            draft_thread_name(d, who), draft_object_name(d, queue));
    draft_end(d);
}

void check_pools(struct check *c) {
    VEC(const struct twatch_use *) all = {0};
    if (c->m->header->end != TWATCH_END_RUNNING && c->m->header->end != TWATCH_END_DEADLOCK &&
            c->m->header->end != TWATCH_END_ABORT)
        return;
    if (!pools_others_stuck(c->m)) return;
    for (size_t i = 0; i < c->m->uses.n; i++)
        vec_push(&all, model_use(c->m, i));
    if (all.n > 1) qsort(all.at, all.n, sizeof all.at[0], pools_by_object);
    for (size_t from = 0, to; from < all.n; from = to) {
        for (to = from + 1; to < all.n && all.at[to]->object == all.at[from]->object; to++)
            ;
        uint64_t routine, queued = pools_queued(c->m, all.at + from, to - from, &routine);
        if (queued) pools_report(c, all.at + from, to - from, routine);
    }
    vec_free(&all);
}
