/*
 * Spin locks. On x86-64 glibc's is an int: 1 free, 0 or less held (sysdeps/x86_64/nptl/pthread_spin_lock.S). No owner
 * is kept there: who holds it is known from our own held stacks only.
 */
#include "ops.h"

enum {
    SPIN_FREE = 1,
    SPINS = 200
}; /* tries before the wait is published: some ten microseconds, longer than a spin lock should be held */

static __thread bool missed; /* an acquisition of this thread could not be recorded */

static bool is_free(const pthread_spinlock_t *l) {
    return __atomic_load_n((const volatile int *)l, __ATOMIC_RELAXED) == SPIN_FREE;
}

static TW_NOINLINE void push_slow(
        struct tw_thread *t, pthread_spinlock_t *l, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    if (tw_ops_maybe_destroyed((uintptr_t)l))
        tw_ops_check_destroyed(t, (uintptr_t)l, TWATCH_OBJ_SPIN, TW_DOES_LOCK, pc, cfa);
    tw_held_push(t, &(struct tw_acquire){
                            .address = (uintptr_t)l, .kind = TWATCH_OBJ_SPIN, .flags = flags, .pc = pc, .cfa = cfa});
}

static inline void acquired(pthread_spinlock_t *l, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) {
        missed = true;
        return;
    }
    const uint8_t tags = (uint8_t)(flags | TWATCH_OBJ_SPIN << TWATCH_HELD_KIND_SHIFT);
    if (tw_ops_maybe_destroyed((uintptr_t)l) ||
            !tw_held_push_quick(t, (uintptr_t)l, tags, TWATCH_MODE_EXCLUSIVE, pc, cfa))
        push_slow(t, l, flags, pc, cfa);
    if (tw_race) tw_race->acquire((uintptr_t)l);
    tw_leave(t);
}

/* A spin lock of zeros was never initialised: on this machine it reads as held, and the lock call would spin for ever.
 */
static void check_initialised(pthread_spinlock_t *l, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (*(volatile int *)l == 0 && !tw_object_find((uintptr_t)l) && !(tw_header->flags & TWATCH_HDR_FORKED)) {
        uint32_t stack = tw_stack_here(t, pc, cfa);
        uint32_t id = tw_object_get((uintptr_t)l, TWATCH_OBJ_SPIN, 0, 0, pc, stack, t->id);
        tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_USE_UNINITIALIZED,
                                 .object = id,
                                 .pc = pc,
                                 .cfa = cfa,
                                 .aux = TW_DOES_LOCK});
    }
    tw_leave(t);
}

/* Spins as the real one does; publishes the wait when that takes long. */
static TW_NOINLINE int lock_contended(pthread_spinlock_t *l, uintptr_t pc, uintptr_t cfa) {
    for (int i = 0; i < SPINS; i++) {
        for (int pause = 0; pause < 4 && !is_free(l); pause++)
            __builtin_ia32_pause();
        if (is_free(l) && TW_REAL(pthread_spin_trylock)(l) == 0) return 0;
    }
    check_initialised(l, pc, cfa);
    bool published = tw_ops_wait_begin(
            &(struct tw_wait){.kind = TWATCH_OBJ_SPIN, .address = (uintptr_t)l, .pc = pc, .cfa = cfa}, 0, 0);
    int rc = TW_REAL(pthread_spin_lock)(l);
    if (published) tw_ops_wait_end(rc == 0);
    return rc;
}

TW_EXPORT int pthread_spin_lock(pthread_spinlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_spin_trylock)(l);
    if (TW_UNLIKELY(rc != 0)) rc = lock_contended(l, pc, cfa);
    if (TW_LIKELY(rc == 0)) acquired(l, 0, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_spin_trylock(pthread_spinlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_spin_trylock)(l);
    if (rc == 0) {
        acquired(l, TWATCH_HELD_TRY, pc, cfa);
    } else {
        struct tw_thread *t = tw_enter();
        if (t) {
            tw_wait_poll(t, tw_object_find((uintptr_t)l), TWATCH_POLL_TRYLOCK, pc, cfa);
            tw_leave(t);
        }
    }
    return rc;
}

static TW_NOINLINE void not_held(struct tw_thread *t, pthread_spinlock_t *l, uintptr_t pc, uintptr_t cfa) {
    struct tw_misuse m = {.object = tw_object_find((uintptr_t)l), .pc = pc, .cfa = cfa, .aux = TW_DOES_UNLOCK};
    const struct twatch_object *o = tw_object_at(m.object);
    if (missed || !o || o->flags & TWATCH_OBJF_PSHARED) return;
    if (o->flags & TWATCH_OBJF_DESTROYED) {
        tw_ops_used_after_destroy(t, m.object, TW_DOES_UNLOCK, pc, cfa);
        return;
    }
    struct twatch_held entry = {0};
    m.other_thread = tw_thread_holder((uintptr_t)l, &entry);
    m.other_stack = tw_ops_held_stack(&entry);
    m.kind = m.other_thread ? TWATCH_INCIDENT_UNLOCK_NOT_OWNER : is_free(l) ? TWATCH_INCIDENT_UNLOCK_NOT_HELD : 0;
    if (m.kind) tw_ops_misuse(t, &m);
    if (m.kind == TWATCH_INCIDENT_UNLOCK_NOT_OWNER)
        tw_thread_drop_held((uintptr_t)l); /* it is free now, whoever took it */
}

TW_EXPORT int pthread_spin_unlock(pthread_spinlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (TW_LIKELY(t != NULL)) { /* before the real one: another thread may take it at once */
        if (tw_race) tw_race->release((uintptr_t)l);
        if (TW_UNLIKELY(!tw_held_pop_quick(t, (uintptr_t)l) && !tw_held_pop(t, (uintptr_t)l))) not_held(t, l, pc, cfa);
        tw_leave(t);
    }
    return TW_REAL(pthread_spin_unlock)(l);
}

TW_EXPORT int pthread_spin_init(pthread_spinlock_t *l, int pshared) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        struct tw_misuse m = {
                .kind = TWATCH_INCIDENT_REINIT_IN_USE, .object = tw_object_find((uintptr_t)l), .pc = pc, .cfa = cfa};
        struct twatch_held entry = {0};
        const struct twatch_object *o = tw_object_at(m.object);
        if (o && o->kind == TWATCH_OBJ_SPIN && !(o->flags & TWATCH_OBJF_DESTROYED) && !is_free(l))
            m.other_thread = tw_thread_holder((uintptr_t)l, &entry);
        m.other_stack = tw_ops_held_stack(&entry);
        if (m.other_thread) tw_ops_misuse(t, &m);
        uint32_t stack = tw_stack_here(t, pc, cfa);
        tw_object_init((uintptr_t)l, TWATCH_OBJ_SPIN, 0, pshared == PTHREAD_PROCESS_SHARED ? TWATCH_OBJF_PSHARED : 0,
                pc, stack, t->id);
        if (tw_race) tw_race->forget((uintptr_t)l);
        tw_leave(t);
    }
    return TW_REAL(pthread_spin_init)(l, pshared);
}

TW_EXPORT int pthread_spin_destroy(pthread_spinlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        struct tw_misuse m = {
                .kind = TWATCH_INCIDENT_DESTROY_LOCKED, .object = tw_object_find((uintptr_t)l), .pc = pc, .cfa = cfa};
        struct twatch_held entry = {0};
        const struct twatch_object *o = tw_object_at(m.object);
        bool ours = o && o->kind == TWATCH_OBJ_SPIN;
        if (ours && o->flags & TWATCH_OBJF_DESTROYED)
            tw_ops_used_after_destroy(t, m.object, TW_DOES_DESTROY, pc, cfa);
        else if (ours && !is_free(l))
            m.other_thread = tw_thread_holder((uintptr_t)l, &entry);
        m.other_stack = tw_ops_held_stack(&entry);
        if (m.other_thread) tw_ops_misuse(t, &m);
        if (ours) tw_ops_destroyed(t, m.object, pc, cfa);
        if (tw_race) tw_race->forget((uintptr_t)l);
        tw_leave(t);
    }
    return TW_REAL(pthread_spin_destroy)(l);
}
