/*
 * Read-write locks. glibc's own fields (struct __pthread_rwlock_arch_t) say the truth about who holds one: __cur_writer
 * is the kernel id of the writer, __readers counts readers in steps of 8 with the phase in its low bits
 * (nptl/pthread_rwlock_common.c).
 */
#include "ops.h"
#include "use.h"

enum { WRITE_PHASE = 1, WRITE_LOCKED = 2, READER_SHIFT = 3 };

/* Set when an acquisition could not be recorded (a signal handler that interrupted recording): what this thread gives
 * back later is then no misuse. */
static __thread bool missed;

static uint8_t type_of(const pthread_rwlock_t *l) {
    return l->__data.__flags == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP ? TWATCH_TYPE_RW_PREFER_WRITER_NONRECURSIVE
                                                                             : TWATCH_TYPE_RW_PREFER_READER;
}

static uint16_t oflags_of(const pthread_rwlock_t *l) {
    return l->__data.__shared ? TWATCH_OBJF_PSHARED : 0;
}

static int writer_tid(const pthread_rwlock_t *l) {
    return __atomic_load_n(&l->__data.__cur_writer, __ATOMIC_RELAXED);
}

/* Readers inside, as far as glibc's word tells; 0 in a write phase. */
static uint32_t readers(const pthread_rwlock_t *l) {
    uint32_t r = __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED);
    return r & WRITE_PHASE ? 0 : r >> READER_SHIFT;
}

struct request {
    pthread_rwlock_t *lock;
    uint8_t mode, flags; /* enum twatch_mode, enum twatch_held_flags */
    uintptr_t pc, cfa;
    uint64_t deadline_ns;
};

static TW_NOINLINE void push_slow(
        struct tw_thread *t, pthread_rwlock_t *l, uint8_t mode, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    if (tw_ops_maybe_destroyed((uintptr_t)l))
        tw_ops_check_destroyed(t, (uintptr_t)l, TWATCH_OBJ_RWLOCK, TW_DOES_LOCK, pc, cfa);
    tw_held_push(t, &(struct tw_acquire){.address = (uintptr_t)l,
                            .kind = TWATCH_OBJ_RWLOCK,
                            .mode = mode,
                            .flags = flags,
                            .type = type_of(l),
                            .oflags = oflags_of(l),
                            .pc = pc,
                            .cfa = cfa});
}

static inline void acquired(pthread_rwlock_t *l, uint8_t mode, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) {
        missed = true;
        return;
    }
    const uint8_t tags = (uint8_t)(flags | TWATCH_OBJ_RWLOCK << TWATCH_HELD_KIND_SHIFT);
    if (tw_ops_maybe_destroyed((uintptr_t)l) || (!tw_held_push_quick(t, (uintptr_t)l, tags, mode, pc, cfa) &&
                                                        !tw_held_push_again(t, (uintptr_t)l, tags, mode, pc, cfa)))
        push_slow(t, l, mode, flags, pc, cfa);
    if (TW_UNLIKELY(tw_race != NULL))
        (mode == TWATCH_MODE_SHARED ? tw_race->acquire_shared : tw_race->acquire)((uintptr_t)l);
    tw_leave(t);
}

static TW_NOINLINE bool wait_begin(const struct request *r) {
    return tw_ops_wait_begin(&(struct tw_wait){.kind = TWATCH_OBJ_RWLOCK,
                                     .mode = r->mode,
                                     .flags = r->flags & TWATCH_HELD_TIMED ? TWATCH_WAIT_TIMED : 0,
                                     .address = (uintptr_t)r->lock,
                                     .pc = r->pc,
                                     .cfa = r->cfa,
                                     .deadline_ns = r->deadline_ns},
            type_of(r->lock), oflags_of(r->lock));
}

/* glibc answers EDEADLK, without waiting, to a writer that asks again: no thread hangs, but whoever ignores the answer
 * goes on without the lock. */
static TW_NOINLINE void own_writer_again(const struct request *r) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct twatch_held *h = tw_held_find(t, (uintptr_t)r->lock);
    if (h)
        tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_SELF_DEADLOCK,
                                 .object = tw_held_resolve(t, h),
                                 .other_thread = t->id,
                                 .other_stack = tw_held_stack(t, h),
                                 .pc = r->pc,
                                 .cfa = r->cfa,
                                 .aux = r->mode == TWATCH_MODE_SHARED ? 2 : 0});
    tw_leave(t);
}

static bool own_writer(const pthread_rwlock_t *l) {
    return tw_self && writer_tid(l) == tw_self->tid;
}

static TW_NOINLINE void poll_failed(pthread_rwlock_t *l, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_wait_poll(t, tw_object_find((uintptr_t)l), TWATCH_POLL_TRYLOCK, pc, cfa);
    tw_leave(t);
}

/* ---- acquiring ---- */

TW_EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_rwlock_tryrdlock)(l);
    if (TW_UNLIKELY(rc != 0)) {
        const struct request r = {l, TWATCH_MODE_SHARED, 0, pc, cfa, 0};
        bool published = !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_rdlock)(l);
        if (published) tw_ops_wait_end(rc == 0);
        if (rc == EDEADLK) own_writer_again(&r);
        if (rc == 0) acquired(l, TWATCH_MODE_SHARED, 0, pc, cfa);
        if (rc == 0 && published) tw_ops_acquired_after_wait((uintptr_t)l);
        return rc;
    }
    acquired(l, TWATCH_MODE_SHARED, 0, pc, cfa);
    return 0;
}

TW_EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_rwlock_trywrlock)(l);
    if (TW_UNLIKELY(rc != 0)) {
        const struct request r = {l, TWATCH_MODE_EXCLUSIVE, 0, pc, cfa, 0};
        bool published = !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_wrlock)(l);
        if (published) tw_ops_wait_end(rc == 0);
        if (rc == EDEADLK) own_writer_again(&r);
        if (rc == 0) acquired(l, TWATCH_MODE_EXCLUSIVE, 0, pc, cfa);
        if (rc == 0 && published) tw_ops_acquired_after_wait((uintptr_t)l);
        return rc;
    }
    acquired(l, TWATCH_MODE_EXCLUSIVE, 0, pc, cfa);
    return 0;
}

TW_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_rwlock_tryrdlock)(l);
    if (rc == 0)
        acquired(l, TWATCH_MODE_SHARED, TWATCH_HELD_TRY, pc, cfa);
    else
        poll_failed(l, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(pthread_rwlock_trywrlock)(l);
    if (rc == 0)
        acquired(l, TWATCH_MODE_EXCLUSIVE, TWATCH_HELD_TRY, pc, cfa);
    else
        poll_failed(l, pc, cfa);
    return rc;
}

/* The timed forms refuse a bad time even when the lock is free, so the try comes only after a good one. */

TW_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    bool ok = tw_ops_time_ok(until);
    int rc = ok ? TW_REAL(pthread_rwlock_tryrdlock)(l) : EBUSY;
    if (rc != 0) {
        const struct request r = {
                l, TWATCH_MODE_SHARED, TWATCH_HELD_TIMED, pc, cfa, tw_ops_deadline(CLOCK_REALTIME, until)};
        bool published = ok && !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_timedrdlock)(l, until);
        if (published) tw_ops_wait_end(rc == 0);
    }
    if (rc == 0) acquired(l, TWATCH_MODE_SHARED, TWATCH_HELD_TIMED, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    bool ok = tw_ops_time_ok(until);
    int rc = ok ? TW_REAL(pthread_rwlock_trywrlock)(l) : EBUSY;
    if (rc != 0) {
        const struct request r = {
                l, TWATCH_MODE_EXCLUSIVE, TWATCH_HELD_TIMED, pc, cfa, tw_ops_deadline(CLOCK_REALTIME, until)};
        bool published = ok && !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_timedwrlock)(l, until);
        if (published) tw_ops_wait_end(rc == 0);
    }
    if (rc == 0) acquired(l, TWATCH_MODE_EXCLUSIVE, TWATCH_HELD_TIMED, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    bool ok = tw_ops_time_ok(until) && tw_ops_clock_ok(clock);
    int rc = ok ? TW_REAL(pthread_rwlock_tryrdlock)(l) : EBUSY;
    if (rc != 0) {
        const struct request r = {l, TWATCH_MODE_SHARED, TWATCH_HELD_TIMED, pc, cfa, tw_ops_deadline(clock, until)};
        bool published = ok && !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_clockrdlock)(l, clock, until);
        if (published) tw_ops_wait_end(rc == 0);
    }
    if (rc == 0) acquired(l, TWATCH_MODE_SHARED, TWATCH_HELD_TIMED, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    bool ok = tw_ops_time_ok(until) && tw_ops_clock_ok(clock);
    int rc = ok ? TW_REAL(pthread_rwlock_trywrlock)(l) : EBUSY;
    if (rc != 0) {
        const struct request r = {l, TWATCH_MODE_EXCLUSIVE, TWATCH_HELD_TIMED, pc, cfa, tw_ops_deadline(clock, until)};
        bool published = ok && !own_writer(l) && wait_begin(&r);
        rc = TW_REAL(pthread_rwlock_clockwrlock)(l, clock, until);
        if (published) tw_ops_wait_end(rc == 0);
    }
    if (rc == 0) acquired(l, TWATCH_MODE_EXCLUSIVE, TWATCH_HELD_TIMED, pc, cfa);
    return rc;
}

/* ---- giving back ---- */

/* The thread is not known to hold it. Only what glibc's fields bear out is said: our own knowledge may have a gap. */
static TW_NOINLINE void not_held(struct tw_thread *t, pthread_rwlock_t *l, uintptr_t pc, uintptr_t cfa) {
    struct tw_misuse m = {.object = tw_object_find((uintptr_t)l), .pc = pc, .cfa = cfa, .aux = TW_DOES_UNLOCK};
    const struct twatch_object *o = tw_object_at(m.object);
    int writer = writer_tid(l);
    if (missed || writer == t->tid) return;
    if (!o) { /* never acquired by anybody that we saw */
        uint32_t stack = tw_stack_here(t, pc, cfa);
        m.object = tw_object_get((uintptr_t)l, TWATCH_OBJ_RWLOCK, type_of(l), oflags_of(l), pc, stack, t->id);
    } else if (o->flags & TWATCH_OBJF_PSHARED) {
        return; /* another process may have done its share */
    } else if (o->flags & TWATCH_OBJF_DESTROYED && o->flags & TWATCH_OBJF_INIT_SEEN) {
        tw_ops_used_after_destroy(t, m.object, TW_DOES_UNLOCK, pc, cfa);
        return;
    }
    struct twatch_held entry = {0};
    m.other_thread = tw_thread_holder((uintptr_t)l, &entry);
    m.other_stack = tw_ops_held_stack(&entry);
    if (writer == 0 && readers(l) == 0)
        m.kind = TWATCH_INCIDENT_UNLOCK_NOT_HELD, m.other_thread = m.other_stack = 0;
    else if (m.other_thread != 0 && (writer != 0) == (entry.mode == TWATCH_MODE_EXCLUSIVE))
        m.kind = TWATCH_INCIDENT_UNLOCK_NOT_OWNER;
    if (m.kind) tw_ops_misuse(t, &m);
    /* nobody will give it back a second time: glibc has let go of it, or of what it took for it */
    if (m.kind == TWATCH_INCIDENT_UNLOCK_NOT_OWNER) tw_thread_drop_held((uintptr_t)l);
}

TW_EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (TW_LIKELY(t != NULL)) { /* before the real one: once it is free, another thread's acquisition would be recorded
                                   first */
        if (TW_UNLIKELY(tw_race != NULL)) {
            if (writer_tid(l) == t->tid)
                tw_race->release((uintptr_t)l);
            else
                tw_race->release_shared((uintptr_t)l);
        }
        if (TW_UNLIKELY(!tw_held_pop_quick(t, (uintptr_t)l) && !tw_held_pop(t, (uintptr_t)l))) not_held(t, l, pc, cfa);
        tw_leave(t);
    }
    return TW_REAL(pthread_rwlock_unlock)(l);
}

/* ---- life ---- */

/* Someone holds or waits for the lock that is destroyed or initialised again. */
static void say_in_use(struct tw_thread *t, pthread_rwlock_t *l, uint32_t id, bool again, uintptr_t pc, uintptr_t cfa) {
    struct tw_misuse m = {.object = id, .pc = pc, .cfa = cfa};
    struct twatch_held entry = {0};
    m.other_thread = tw_thread_holder((uintptr_t)l, &entry);
    m.other_stack = tw_ops_held_stack(&entry);
    m.kind = TWATCH_INCIDENT_DESTROY_LOCKED;
    if (!m.other_thread) {
        m.other_thread = tw_thread_waiter((uintptr_t)l, &m.other_stack);
        m.kind = TWATCH_INCIDENT_DESTROY_WAITED;
    }
    if (again) m.kind = TWATCH_INCIDENT_REINIT_IN_USE;
    if (m.other_thread) tw_ops_misuse(t, &m);
}

static bool in_use(const pthread_rwlock_t *l) {
    return writer_tid(l) != 0 || readers(l) != 0;
}

TW_EXPORT int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) { /* before the real one, which wipes the fields */
        uint32_t id = tw_object_find((uintptr_t)l);
        const struct twatch_object *o = tw_object_at(id);
        if (o && o->kind == TWATCH_OBJ_RWLOCK && !(o->flags & TWATCH_OBJF_DESTROYED) && in_use(l))
            say_in_use(t, l, id, true, pc, cfa);
        tw_leave(t);
    }
    int rc = TW_REAL(pthread_rwlock_init)(l, attr);
    t = rc == 0 ? tw_enter() : NULL;
    if (t) {
        uint32_t stack = tw_stack_here(t, pc, cfa);
        tw_object_init((uintptr_t)l, TWATCH_OBJ_RWLOCK, type_of(l), oflags_of(l), pc, stack, t->id);
        if (tw_race) tw_race->forget((uintptr_t)l);
        tw_leave(t);
    }
    return rc;
}

TW_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *l) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        uint32_t id = tw_object_find((uintptr_t)l);
        const struct twatch_object *o = tw_object_at(id);
        bool ours = o && o->kind == TWATCH_OBJ_RWLOCK;
        if (ours && o->flags & TWATCH_OBJF_DESTROYED && o->flags & TWATCH_OBJF_INIT_SEEN)
            tw_ops_used_after_destroy(t, id, TW_DOES_DESTROY, pc, cfa);
        else if (ours && in_use(l))
            say_in_use(t, l, id, false, pc, cfa);
        if (ours) tw_ops_destroyed(t, id, pc, cfa);
        if (tw_race) tw_race->forget((uintptr_t)l);
        tw_leave(t);
    }
    return TW_REAL(pthread_rwlock_destroy)(l);
}
