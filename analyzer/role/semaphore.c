/*
 * What each semaphore serves as: a lock (one permit, given back by its taker), a bounded resource (several permits,
 * given back by their takers), a signal (posted by threads that hold no permit).
 */
#include "finding/names.h"
#include "role/build.h"

#include <string.h>

struct semaphore_sum {
    struct role_semaphore out;
    uint32_t lowest; /* value + 1 that a poster found; 0: nobody posted */
    int64_t held;    /* permits that are out at the end */
};

static bool semaphore_ended(const struct model *m, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    return t &&
           (t->end == TWATCH_THREAD_RETURNED || t->end == TWATCH_THREAD_EXITED || t->end == TWATCH_THREAD_CANCELLED);
}

static void semaphore_add(const struct model *m, struct semaphore_sum *s, const struct twatch_use *u) {
    s->out.taken += u->waits;
    s->out.blocked += u->blocked;
    s->out.given += u->posts;
    if (!(m->header->flags & TWATCH_HDR_PYTHON)) s->out.timeouts += u->timeouts; /* CPython tries before it waits */
    s->out.wait_ns += u->wait_ns;
    if (u->wait_max_ns > s->out.wait_max_ns) s->out.wait_max_ns = u->wait_max_ns;
    s->out.nthreads++;
    if (u->level && (!s->lowest || u->level < s->lowest)) s->lowest = u->level;
    if (u->balance > 0 && u->balance < INT32_MAX) {
        s->held += u->balance;
        if (semaphore_ended(m, u->thread)) s->out.lost += (uint64_t)u->balance;
    }
}

static void semaphore_finish(const struct build *b, struct semaphore_sum *s, uint32_t id) {
    const struct twatch_object *o = model_object(b->m, id);
    s->out.use = build_semaphore_use(o);
    s->out.initial = o->init_value;
    s->out.name = names_object(b->m, b->a, id);
    if (s->out.use != ROLE_LOCK && s->out.use != ROLE_BOUNDED) {
        s->out.lost = 0; /* a permit that was taken for good is the point of a signal */
        return;
    }
    uint32_t most = s->lowest && s->lowest - 1 <= o->init_value ? o->init_value - (s->lowest - 1) : 0;
    if (s->held > most) most = (uint32_t)s->held;
    s->out.most_in_use = most < o->init_value ? most : o->init_value;
}

static int semaphore_order(const void *pa, const void *pb) {
    const struct role_semaphore *x = pa, *y = pb;
    if (x->wait_ns != y->wait_ns) return x->wait_ns > y->wait_ns ? -1 : 1;
    if (x->taken != y->taken) return x->taken > y->taken ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* A lock that nobody ever had to wait for says nothing; neither do the locks within Python's conditions, nor its many
 * signals that nobody waited for. */
static bool semaphore_counts(const struct build *b, const struct semaphore_sum *s, uint32_t id) {
    const struct twatch_object *o = model_object(b->m, id);
    if (!s->out.nthreads || build_is_threading(b->m, o) || build_is_parked(b->m, o)) return false;
    bool python = b->m->header->flags & TWATCH_HDR_PYTHON;
    bool signals = build_semaphore_use(o) == ROLE_SIGNAL && !python && s->out.nthreads > 1;
    return s->out.blocked || s->out.wait_ns || signals || (s->out.lost && build_semaphore_use(o) != ROLE_SIGNAL) ||
           build_semaphore_use(o) == ROLE_BOUNDED;
}

void semaphore_build(struct build *b, struct roles *out) {
    const struct model *m = b->m;
    struct semaphore_sum *sums = mem_new((size_t)m->objects.n + 1, sizeof *sums);
    size_t n = 0;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        const struct twatch_object *o = model_object(m, u->object);
        if (o && o->kind == TWATCH_OBJ_SEM) semaphore_add(m, &sums[u->object], u);
    }
    for (size_t i = 0; i < m->nstates; i++) { /* waits that are not over */
        const struct twatch_slot *s = m->states[i].slot;
        const struct twatch_object *o = model_object(m, s->wait_object);
        if (!m->states[i].waiting || !o || o->kind != TWATCH_OBJ_SEM || m->now_ns < s->wait_since_ns ||
                !s->wait_since_ns)
            continue;
        struct role_semaphore *x = &sums[s->wait_object].out;
        x->wait_ns += m->now_ns - s->wait_since_ns;
        if (m->now_ns - s->wait_since_ns > x->wait_max_ns) x->wait_max_ns = m->now_ns - s->wait_since_ns;
    }
    for (uint32_t id = 1; id < m->objects.n; id++)
        n += semaphore_counts(b, &sums[id], id);
    struct role_semaphore *list = arena_array(b->a, n, sizeof *list);
    for (uint32_t id = 1; id < m->objects.n; id++) {
        if (!semaphore_counts(b, &sums[id], id)) continue;
        semaphore_finish(b, &sums[id], id);
        list[out->nsemaphores++] = sums[id].out;
    }
    if (out->nsemaphores > 1) qsort(list, out->nsemaphores, sizeof *list, semaphore_order);
    out->semaphores = list;
    free(sums);
}
