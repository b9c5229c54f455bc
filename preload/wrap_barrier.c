/*
 * Barriers. Arrivals are counted here, so that the last one of a round, which does not wait, need not look for a
 * deadlock, and a barrier destroyed in the middle of a round is seen. Where more threads come than the barrier was made
 * for, the last by this count may be one that is left behind: so it publishes its wait like the others, and looks too if
 * there is a crowd by then. One that comes to make it so later finds the wait published, and looks when it waits or ends. After the real wait the barrier may be gone already: its address is used, its
 * memory is not.
 */
#include "ops.h"
#include "use.h"

struct tw_barrier_side {
    uint64_t arrived;
};

enum { MISUSE_DESTROYED_IN_USE = 1, MISUSE_COUNT_ZERO = 2 };

/* glibc's struct pthread_barrier: in, current_round, count, shared, out; all unsigned int. */
static uint32_t entered(const pthread_barrier_t *b) {
    return __atomic_load_n((const unsigned *)(const void *)b, __ATOMIC_RELAXED);
}
static uint32_t count_of(const pthread_barrier_t *b) {
    return ((const unsigned *)(const void *)b)[2];
}
static bool is_shared(const pthread_barrier_t *b) {
    return ((const unsigned *)(const void *)b)[3] != 0;
}

struct arrival {
    struct twatch_use *use;
    bool waiting;
};

/* In the middle of a round: some have arrived and wait for the rest. */
static bool in_round(const struct twatch_object *o, uint32_t id) {
    const struct tw_barrier_side *side =
            o->init_value > 0 && !(o->flags & TWATCH_OBJF_PSHARED) ? tw_use_side(id) : NULL;
    return side && side->arrived % o->init_value != 0;
}

static void arrive(struct arrival *a, pthread_barrier_t *b, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct tw_use_entry *e = tw_use_at(t, &(struct tw_use_query){.address = (uintptr_t)b,
                                                  .pc = pc,
                                                  .cfa = cfa,
                                                  .kind = TWATCH_OBJ_BARRIER,
                                                  .oflags = is_shared(b) ? TWATCH_OBJF_PSHARED : 0,
                                                  .side = sizeof(struct tw_barrier_side)});
    if (e) {
        struct tw_barrier_side *side = e->side;
        if (e->o->flags & TWATCH_OBJF_DESTROYED)
            tw_ops_used_after_destroy(t, e->object, TW_DOES_WAIT, pc, cfa);
        else if (!(e->o->flags & TWATCH_OBJF_INIT_SEEN) && count_of(b) == 0)
            tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_USE_UNINITIALIZED,
                                     .object = e->object,
                                     .pc = pc,
                                     .cfa = cfa,
                                     .aux = TW_DOES_WAIT});
        if (!e->o->init_value) e->o->init_value = count_of(b);
        uint64_t n = __atomic_add_fetch(&side->arrived, 1, __ATOMIC_RELAXED);
        if (!e->use->wait_stack) {
            e->use->wait_stack = tw_stack_here(t, pc, cfa);
            __atomic_fetch_add(&e->o->max_value, 1, __ATOMIC_RELAXED); /* threads that took part */
        }
        a->use = e->use;
        a->waiting = e->o->init_value == 0 || n % e->o->init_value != 0;
        t->slot->reserved[1] = entered(b); /* who looks sees whether a round has ended since */
        tw_wait_begin(t, &(struct tw_wait){.kind = TWATCH_OBJ_BARRIER,
                                 .passing = !a->waiting,
                                 .object = e->object,
                                 .address = (uintptr_t)b,
                                 .pc = pc,
                                 .cfa = cfa});
    }
    if (tw_race) tw_race->release((uintptr_t)b);
    tw_leave(t);
}

static void leave(const struct arrival *a, pthread_barrier_t *b) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (a->use) {
        tw_wait_end(t, a->waiting);
        a->use->waits++;
    }
    if (tw_race) tw_race->acquire((uintptr_t)b);
    tw_leave(t);
}

TW_EXPORT int pthread_barrier_wait(pthread_barrier_t *b) {
    struct arrival a = {0};
    arrive(&a, b, TW_CALLER, TW_CFA);
    int rc = TW_REAL(pthread_barrier_wait)(b);
    leave(&a, b);
    return rc;
}

TW_EXPORT int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        struct tw_misuse m = {
                .kind = TWATCH_INCIDENT_REINIT_IN_USE, .object = tw_object_find((uintptr_t)b), .pc = pc, .cfa = cfa};
        const struct twatch_object *o = tw_object_at(m.object);
        if (o && o->kind == TWATCH_OBJ_BARRIER && !(o->flags & TWATCH_OBJF_DESTROYED) && in_round(o, m.object))
            m.other_thread = tw_thread_waiter((uintptr_t)b, &m.other_stack);
        if (m.other_thread) tw_ops_misuse(t, &m);
        tw_leave(t);
    }
    int rc = TW_REAL(pthread_barrier_init)(b, attr, count);
    if (rc != 0 && count != 0) return rc;
    t = tw_enter();
    if (t) {
        uint32_t stack = tw_stack_here(t, pc, cfa);
        uint16_t flags = rc == 0 && is_shared(b) ? TWATCH_OBJF_PSHARED : 0;
        uint32_t id = tw_object_init((uintptr_t)b, TWATCH_OBJ_BARRIER, 0, flags, pc, stack, t->id);
        struct twatch_object *o = tw_object_at(id);
        if (o) o->init_value = count;
        if (rc != 0)
            tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_BARRIER_MISUSE,
                                     .object = id,
                                     .pc = pc,
                                     .cfa = cfa,
                                     .aux = MISUSE_COUNT_ZERO});
        if (tw_race) tw_race->forget((uintptr_t)b);
        tw_leave(t);
    }
    return rc;
}

TW_EXPORT int pthread_barrier_destroy(pthread_barrier_t *b) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        struct tw_misuse m = {.kind = TWATCH_INCIDENT_BARRIER_MISUSE,
                .object = tw_object_find((uintptr_t)b),
                .pc = pc,
                .cfa = cfa,
                .aux = MISUSE_DESTROYED_IN_USE};
        const struct twatch_object *o = tw_object_at(m.object);
        if (o && o->kind == TWATCH_OBJ_BARRIER) {
            if (o->flags & TWATCH_OBJF_DESTROYED)
                tw_ops_used_after_destroy(t, m.object, TW_DOES_DESTROY, pc, cfa);
            else if (in_round(o, m.object))
                m.other_thread = tw_thread_waiter((uintptr_t)b, &m.other_stack);
            if (m.other_thread) tw_ops_misuse(t, &m);
            tw_object_destroy(m.object, tw_stack_here(t, pc, cfa));
            tw_use_object_dead(m.object);
        }
        if (tw_race) tw_race->forget((uintptr_t)b);
        tw_leave(t);
    }
    return TW_REAL(pthread_barrier_destroy)(b);
}
