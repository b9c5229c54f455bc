/*
 * What all forms of waiting and signalling share. glibc 2.25+ keeps in __wrefs: bit 0 process-shared, bit 1
 * CLOCK_MONOTONIC, bit 2 destroyed, then waiter references (nptl/pthread_cond_common.c).
 */
#include "cond_ops.h"

#include "python.h"
#include "spurious.h"
#include "use.h"

enum { COND_SHARED = 1, COND_DESTROYED = 4 };

static uint32_t wrefs(const pthread_cond_t *c) {
    return __atomic_load_n(&c->__data.__wrefs, __ATOMIC_RELAXED);
}
static uint16_t oflags_of(const pthread_cond_t *c) {
    return wrefs(c) & COND_SHARED ? TWATCH_OBJF_PSHARED : 0;
}

_Static_assert(sizeof(struct tw_cond_side) <= TW_USE_SIDE, "fits the side state of an object");

static struct tw_use_entry *use_of(struct tw_thread *t, const pthread_cond_t *c, uintptr_t pc, uintptr_t cfa) {
    return tw_use_at(t, &(struct tw_use_query){.address = (uintptr_t)c,
                                .pc = pc,
                                .cfa = cfa,
                                .kind = TWATCH_OBJ_COND,
                                .oflags = oflags_of(c),
                                .side = sizeof(struct tw_cond_side),
                                .alive = !(wrefs(c) & COND_DESTROYED)});
}

bool tw_cond_lost_signal(uint32_t object, uint32_t *thread, uint32_t *stack) {
    const struct twatch_object *o = tw_object_at(object);
    struct tw_cond_side *side = o && o->kind == TWATCH_OBJ_COND ? tw_use_side(object) : NULL;
    if (!side || o->flags & TWATCH_OBJF_PSHARED) return false;
    uint64_t lost = __atomic_load_n(&side->lost, __ATOMIC_ACQUIRE);
    *thread = (uint32_t)(lost >> 32);
    *stack = (uint32_t)lost;
    return lost != 0;
}

/* ---- waiting ---- */

/* glibc itself does not look whether the waiter holds the mutex. Said only if glibc's owner field agrees with us;
 * elided locks keep no owner. */
static void check_mutex(struct tw_thread *t, const struct tw_cond_wait *w, uint32_t cond, uint32_t mutex) {
    enum { ELISION = 256 };
    if (w->took || w->mutex->__data.__kind & ELISION || tw_ops_mutex_owner(w->mutex) == t->tid) return;
    tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_COND_WAIT_UNLOCKED,
                             .object = cond,
                             .object2 = mutex,
                             .pc = w->pc,
                             .cfa = w->cfa});
}

/* ---- how long what is announced waits ---- */

enum {
    SPAN_EXACT = 16, /* signals of a span of which each is looked at; after that one in */
    SPAN_SAMPLE = 8  /* so many stands for all */
};

/* A signal that reached nobody. Signallers without the mutex may disturb each other's count: an estimate is made of it. */
static inline void span_add(struct tw_cond_side *side, uint32_t object) {
    struct twatch_queue *q = side->queue;
    if (TW_UNLIKELY(!q || q->object != object)) q = side->queue = tw_use_queue(object);
    if (!q) return;
    uint64_t n = q->open;
    if (n < SPAN_EXACT || n % SPAN_SAMPLE == 0) {
        uint64_t now = tw_sys_now_coarse();
        if (n == 0)
            q->open_since_ns = now, q->open_ns = 0;
        else
            q->open_ns += (now - q->open_since_ns) * (n < SPAN_EXACT ? 1 : SPAN_SAMPLE);
    }
    q->open = n + 1;
}

/* A thread begins to wait: it found nothing left. Under the side's lock. */
static void span_end(struct tw_cond_side *side, uint32_t object) {
    struct twatch_queue *q = side->queue;
    uint64_t n = q && q->object == object ? q->open : 0;
    if (!n) return;
    uint64_t fetched = (tw_sys_now_coarse() - q->open_since_ns) / 2 * n;
    q->open = 0;
    q->left += n;
    q->left_ns += fetched > q->open_ns ? fetched - q->open_ns : 0;
}

/* A wait that a signal ended. Under no lock: several may return at a time. */
static void met(const struct tw_cond_wait *w, uint64_t signalled_ns, uint64_t now) {
    struct twatch_queue *q = w->side->queue;
    if (!signalled_ns || now < signalled_ns || !q || q->object != w->object) return;
    uint64_t ns = now - signalled_ns;
    __atomic_fetch_add(&q->met, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&q->met_ns, ns, __ATOMIC_RELAXED);
    if (ns > q->met_max_ns) q->met_max_ns = ns;
}

/* ---- waiting, with what is known of the condition variable ---- */

/* Counts the waiter in; says so when others wait on the same condition variable with another mutex. */
static void enter_side(struct tw_thread *t, const struct tw_cond_wait *w, struct tw_use_entry *e, uint32_t mutex) {
    struct tw_cond_side *side = e->side;
    tw_lock_take(&side->lock);
    uint32_t other = side->waiters > side->woken && side->mutex != mutex ? side->mutex : 0;
    side->waiters++;
    side->mutex = mutex;
    bool known = false;
    for (uint32_t i = 0; i < side->nmutexes; i++)
        known = known || side->mutexes[i] == mutex;
    if (!known && side->nmutexes < TW_COND_MUTEXES) side->mutexes[side->nmutexes++] = mutex;
    e->o->max_value = side->nmutexes;
    span_end(side, e->object);
    tw_lock_give(&side->lock);
    if (!side->queue) side->queue = tw_use_queue(e->object);
    if (!other) return;
    struct tw_misuse m = {.kind = TWATCH_INCIDENT_COND_TWO_MUTEXES,
            .object = e->object,
            .object2 = mutex,
            .pc = w->pc,
            .cfa = w->cfa,
            .aux = other};
    m.other_thread = tw_thread_waiter((uintptr_t)w->cond, &m.other_stack);
    tw_ops_misuse(t, &m);
}

/* The mutex has not been given back since the last wait at this place, which a signal had ended: the wake-up found
 * nothing to do. */
static bool woke_for_nothing(const struct tw_thread *t, const struct tw_cond_wait *w) {
    return w->took && w->saved.site == w->pc && t->last_woken == (uintptr_t)w->cond;
}

static uint32_t mutex_id(struct tw_thread *t, const struct tw_cond_wait *w) {
    uint32_t id = tw_object_find((uintptr_t)w->mutex);
    if (id) return id;
    uint32_t stack = tw_stack_here(t, w->pc, w->cfa);
    return tw_object_get(
            (uintptr_t)w->mutex, TWATCH_OBJ_MUTEX, (uint32_t)w->mutex->__data.__kind & 3, 0, w->pc, stack, t->id);
}

/* Waiting for CPython's global lock: no wait of the program, and always with a time limit. Only the mutex's ordering of
 * memory counts. */
static bool is_interpreters(const pthread_cond_t *c) {
    return TW_UNLIKELY(tw_python_is_interpreter_lock((uintptr_t)c));
}

void tw_cond_wait_begin(struct tw_cond_wait *w, clockid_t clock, const struct timespec *until) {
    if (is_interpreters(w->cond) && !tw_race) return;
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (is_interpreters(w->cond)) {
        tw_race->release((uintptr_t)w->mutex);
        tw_leave(t);
        return;
    }
    if (TW_UNLIKELY(tw_spurious_wait(t, w))) {
        w->spurious = true;
        t->last_woken = 0;
        tw_leave(t);
        return;
    }
    w->took = tw_held_take(t, (uintptr_t)w->mutex, &w->saved);
    uint32_t mutex = w->took ? tw_held_resolve(t, &w->saved) : mutex_id(t, w);
    struct tw_use_entry *e = use_of(t, w->cond, w->pc, w->cfa);
    if (e) {
        w->use = e->use;
        w->side = e->side;
        w->object = e->object;
        if (e->o->flags & TWATCH_OBJF_DESTROYED) tw_ops_used_after_destroy(t, e->object, TW_DOES_WAIT, w->pc, w->cfa);
        check_mutex(t, w, e->object, mutex);
        if (woke_for_nothing(t, w)) e->use->empty_wakeups++;
        e->use->mutex = mutex;
        if (!e->use->wait_stack) e->use->wait_stack = tw_stack_here(t, w->pc, w->cfa);
        enter_side(t, w, e, mutex);
        tw_wait_begin(t, &(struct tw_wait){.kind = TWATCH_OBJ_COND,
                                 .flags = w->timed ? TWATCH_WAIT_TIMED : 0,
                                 .object = e->object,
                                 .mutex = mutex,
                                 .address = (uintptr_t)w->cond,
                                 .pc = w->pc,
                                 .cfa = w->cfa,
                                 .deadline_ns = until ? tw_ops_deadline(clock, until) : 0});
    }
    t->last_woken = 0;
    if (tw_race) tw_race->release((uintptr_t)w->mutex);
    tw_leave(t);
}

/* When the signal came that ended the wait; 0: not known, or none did. */
static uint64_t leave_side(struct tw_cond_side *side, bool got) {
    uint64_t signalled = 0;
    tw_lock_take(&side->lock);
    if (side->waiters > 0) side->waiters--;
    if (got && side->woken > 0) {
        side->woken--;
        if (side->nsignalled > 0) {
            signalled = side->signalled[0];
            side->nsignalled--;
            for (uint32_t i = 0; i < side->nsignalled; i++)
                side->signalled[i] = side->signalled[i + 1];
        }
    }
    if (side->woken > side->waiters) side->woken = side->waiters;
    if (side->nsignalled > side->woken) side->nsignalled = side->woken;
    tw_lock_give(&side->lock);
    return signalled;
}

/* Runs when the wait returns and when the thread is cancelled in it: glibc has taken the mutex again in both cases,
   unless its state is lost. The condition variable may be destroyed and its memory gone: its address is used, its
   memory is not. */
void tw_cond_wait_over(struct tw_cond_wait *w) {
    if (w->spurious || (is_interpreters(w->cond) && !tw_race)) return;
    struct tw_thread *t = w->rc == TW_COND_CANCELLED ? tw_enter_cancelled() : tw_enter();
    if (!t) return;
    bool got = w->rc == 0 || w->rc == EOWNERDEAD;
    if (w->use) {
        uint64_t signalled = leave_side(w->side, got);
        w->use->waits += got;
        w->use->timeouts += w->rc == ETIMEDOUT;
        uint64_t ns = tw_wait_end(t, got);
        if (ns) met(w, signalled, t->slot->wait_since_ns + ns);
    }
    if (w->took && w->rc != ENOTRECOVERABLE) tw_held_restore(t, &w->saved, TWATCH_OBJ_MUTEX, w->pc, w->cfa);
    t->last_woken = got ? (uintptr_t)w->cond : 0;
    if (tw_race) {
        if (got) tw_race->acquire((uintptr_t)w->cond);
        tw_race->acquire((uintptr_t)w->mutex);
    }
    tw_leave(t);
}

/* ---- signalling ---- */

/* How many there were to wake. */
static uint32_t wake(struct tw_cond_side *side, bool all) {
    if (__atomic_load_n(&side->waiters, __ATOMIC_RELAXED) == 0) return 0;
    tw_lock_take(&side->lock);
    uint32_t somebody = side->waiters > side->woken ? side->waiters - side->woken : 0;
    if (somebody) side->woken = all ? side->waiters : side->woken + 1;
    if (somebody && all)
        side->nsignalled = 0; /* of how many things it told is not known */
    else if (somebody && side->nsignalled < TW_COND_SIGNALLED)
        side->signalled[side->nsignalled++] = tw_sys_now();
    if (somebody) __atomic_store_n(&side->lost, 0, __ATOMIC_RELEASE);
    tw_lock_give(&side->lock);
    return somebody;
}

static void signalled_nobody(struct tw_thread *t, struct tw_cond_side *side, uintptr_t pc, uintptr_t cfa) {
    uint64_t lost = __atomic_load_n(&side->lost, __ATOMIC_RELAXED);
    if (TW_LIKELY(lost >> 32 == t->id && side->lost_pc == pc)) return;
    lost = (uint64_t)t->id << 32 | tw_stack_here(t, pc, cfa);
    side->lost_pc = pc;
    __atomic_store_n(&side->lost, lost, __ATOMIC_RELEASE);
}

void tw_cond_signalled(pthread_cond_t *c, bool all, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = is_interpreters(c) ? NULL : tw_enter(); /* the mutex orders memory already */
    if (!t) return;
    struct tw_use_entry *e = use_of(t, c, pc, cfa);
    if (e) {
        struct twatch_use *u = e->use;
        if (e->o->flags & TWATCH_OBJF_DESTROYED) tw_ops_used_after_destroy(t, e->object, TW_DOES_SIGNAL, pc, cfa);
        u->posts++;
        u->broadcasts += all;
        if (!u->post_stack) u->post_stack = tw_stack_here(t, pc, cfa);
        if (!u->first_ns) u->first_ns = tw_sys_now();
        uint32_t woken = wake(e->side, all);
        if (woken) {
            u->last_ns = tw_sys_now_coarse();
            if (all) u->level = u->level > UINT32_MAX - woken ? UINT32_MAX : u->level + woken;
        } else {
            u->posts_to_nobody++;
            span_add(e->side, e->object);
            signalled_nobody(t, e->side, pc, cfa);
        }
    }
    if (tw_race) tw_race->release((uintptr_t)c);
    tw_leave(t);
}

/* ---- life ---- */

/* Somebody still waits whom no signal was for. Destroying right after a broadcast is legal: those waiters are on their
 * way. */
static void check_waiters(
        struct tw_thread *t, const pthread_cond_t *c, uint32_t id, uint32_t kind, uintptr_t pc, uintptr_t cfa) {
    struct tw_cond_side *side = tw_use_side(id);
    if (!side || side->waiters <= side->woken) return;
    struct tw_misuse m = {.kind = kind, .object = id, .pc = pc, .cfa = cfa};
    m.other_thread = tw_thread_waiter((uintptr_t)c, &m.other_stack);
    if (m.other_thread) tw_ops_misuse(t, &m);
}

void tw_cond_initialising(pthread_cond_t *c, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)c);
    const struct twatch_object *o = tw_object_at(id);
    if (o && o->kind == TWATCH_OBJ_COND && !(o->flags & TWATCH_OBJF_DESTROYED))
        check_waiters(t, c, id, TWATCH_INCIDENT_REINIT_IN_USE, pc, cfa);
    tw_leave(t);
}

void tw_cond_initialised(pthread_cond_t *c, uint16_t oflags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t stack = tw_stack_here(t, pc, cfa);
    tw_object_init((uintptr_t)c, TWATCH_OBJ_COND, 0, oflags | oflags_of(c), pc, stack, t->id);
    if (tw_race) tw_race->forget((uintptr_t)c);
    tw_leave(t);
}

void tw_cond_destroying(pthread_cond_t *c, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)c);
    const struct twatch_object *o = tw_object_at(id);
    if (o && o->kind == TWATCH_OBJ_COND) {
        bool again = o->flags & TWATCH_OBJF_DESTROYED && wrefs(c) & COND_DESTROYED;
        if (again)
            tw_ops_used_after_destroy(t, id, TW_DOES_DESTROY, pc, cfa);
        else
            check_waiters(t, c, id, TWATCH_INCIDENT_DESTROY_WAITED, pc, cfa);
        tw_object_destroy(id, tw_stack_here(t, pc, cfa));
        tw_use_object_dead(id);
    }
    if (tw_race) tw_race->forget((uintptr_t)c);
    tw_leave(t);
}
