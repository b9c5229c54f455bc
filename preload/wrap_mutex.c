/*
 * Mutexes. glibc's own fields (struct __pthread_mutex_s, nptl/pthreadP.h) decide what is misuse: what we think that a thread holds may lack locks
 * taken before it was seen.
 */
#include "mutex.h"

#include "direct.h"
#include "patience.h"
#include "python.h"

#define INLINE inline __attribute__((always_inline))
#define NOT_INLINE __attribute__((noinline))

enum { KIND_TYPE = 3, KIND_ROBUST = 16, KIND_PI = 32, KIND_PROTECT = 64, KIND_SHARED = 128, KIND_DESTROYED = -1 };

static int kind_of(const pthread_mutex_t *m) { return __atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED); }

static uint8_t type_of(int kind) {
    static const uint8_t types[] = {TWATCH_TYPE_DEFAULT, TWATCH_TYPE_RECURSIVE, TWATCH_TYPE_ERRORCHECK, TWATCH_TYPE_ADAPTIVE};
    return types[kind & KIND_TYPE];
}

static uint16_t oflags_of(int kind) {
    return (uint16_t)((kind & KIND_ROBUST ? TWATCH_OBJF_ROBUST : 0) | (kind & KIND_PI ? TWATCH_OBJF_PI : 0) |
            (kind & KIND_PROTECT ? TWATCH_OBJF_PROTECT : 0) | (kind & KIND_SHARED ? TWATCH_OBJF_PSHARED : 0));
}

/*
 * CPython's global lock changes hands thousands of times a second in code that is not the program's: it orders memory, and is left out of everything else.
 * Nothing is done while its mutex is held: a tenth of a microsecond more doubles how often the threads of a busy program sleep.
 */
static TW_NOINLINE int lock_interpreters(pthread_mutex_t *m) {
    struct tw_thread *t = tw_enter();
    if (t) {
        tw_python_lock_moves();
        bool done = tw_python_thread_done(t->desc->start_routine), said = t->desc->flags & TWATCH_THREAD_PYTHON_DONE;
        if (TW_UNLIKELY(done != said)) t->desc->flags ^= TWATCH_THREAD_PYTHON_DONE;
        tw_leave(t);
    }
    int rc = TW_REAL(pthread_mutex_lock)(m);
    t = tw_race ? tw_enter() : NULL;
    if (t) {
        tw_race->acquire((uintptr_t)m);
        tw_leave(t);
    }
    return rc;
}

static TW_NOINLINE int unlock_interpreters(pthread_mutex_t *m) {
    struct tw_thread *t = tw_race ? tw_enter() : NULL;
    if (t) {
        tw_race->release((uintptr_t)m);
        tw_leave(t);
    }
    return TW_REAL(pthread_mutex_unlock)(m);
}

static __attribute__((noinline)) void push_slow(struct tw_thread *t, pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    int kind = kind_of(m);
    tw_held_push(t, &(struct tw_acquire){.address = (uintptr_t)m, .kind = TWATCH_OBJ_MUTEX, .flags = flags, .type = type_of(kind),
                            .oflags = oflags_of(kind), .pc = pc, .cfa = cfa});
}

static inline __attribute__((always_inline)) void acquired(pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint8_t tags = (uint8_t)(flags | TWATCH_OBJ_MUTEX << TWATCH_HELD_KIND_SHIFT);
    if (!tw_held_push_quick(t, (uintptr_t)m, tags, TWATCH_MODE_EXCLUSIVE, pc, cfa) &&
            !tw_held_push_again(t, (uintptr_t)m, tags, TWATCH_MODE_EXCLUSIVE, pc, cfa))
        push_slow(t, m, flags, pc, cfa);
    if (TW_UNLIKELY(tw_race != NULL)) tw_race->acquire((uintptr_t)m);
    tw_leave(t);
}

static TW_NOINLINE void misused(uint32_t kind, pthread_mutex_t *m, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)m);
    const struct twatch_object *o = tw_object_at(id);
    if (!id) id = tw_object_get((uintptr_t)m, TWATCH_OBJ_MUTEX, 0, 0, pc, tw_stack_here(t, pc, cfa), t->id);
    tw_ops_misuse(t, &(struct tw_misuse){.kind = kind, .object = id, .other_stack = o ? o->destroy_stack : 0, .pc = pc, .cfa = cfa, .aux = action});
    tw_leave(t);
}

/* EINVAL from a lock call says that this is no mutex (any more): destroy leaves -1 as the kind, garbage anything else; a good kind means that the time limit was bad. */
static void failed(int rc, pthread_mutex_t *m, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa) {
    enum { KNOWN = KIND_TYPE | KIND_ROBUST | KIND_PI | KIND_PROTECT | KIND_SHARED | 256 | 512 }; /* the last two: lock elision */
    int kind = kind_of(m);
    if (rc != EINVAL || (kind & ~KNOWN) == 0) return;
    misused(kind == KIND_DESTROYED ? TWATCH_INCIDENT_USE_AFTER_DESTROY : TWATCH_INCIDENT_USE_UNINITIALIZED, m, action, pc, cfa);
}

/* An errorcheck mutex answers EDEADLK to its owner: that is the program's own check, not a deadlock. */
static bool answers_itself(const pthread_mutex_t *m) {
    return (kind_of(m) & KIND_TYPE) == PTHREAD_MUTEX_ERRORCHECK && tw_ops_mutex_owner(m) == (tw_self ? tw_self->tid : 0);
}

static bool wait_begin(pthread_mutex_t *m, uint16_t flags, uint64_t deadline, uintptr_t pc, uintptr_t cfa) {
    if (answers_itself(m)) return false;
    return tw_ops_wait_begin(&(struct tw_wait){.kind = TWATCH_OBJ_MUTEX, .flags = flags, .address = (uintptr_t)m, .pc = pc, .cfa = cfa,
                                     .deadline_ns = deadline}, type_of(kind_of(m)), oflags_of(kind_of(m)));
}

static bool got(int rc) { return rc == 0 || rc == EOWNERDEAD; }

static TW_NOINLINE int lock_slow(int rc, pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    bool said = false;
    if (rc == EBUSY) rc = tw_patience(m, pc);
    if (rc == EBUSY) {
        said = wait_begin(m, 0, 0, pc, cfa);
        rc = TW_REAL(pthread_mutex_lock)(m);
        if (said) tw_ops_wait_end(got(rc));
    }
    if (got(rc)) {
        acquired(m, 0, pc, cfa);
        if (said) tw_ops_acquired_after_wait((uintptr_t)m);
    } else {
        failed(rc, m, TW_DOES_LOCK, pc, cfa);
    }
    return rc;
}

static int lock_by_libc(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    int rc = TW_REAL(pthread_mutex_trylock)(m); /* so that only a thread that must wait pays for saying so */
    if (TW_UNLIKELY(rc != 0)) return lock_slow(rc, m, pc, cfa);
    acquired(m, 0, pc, cfa);
    return 0;
}

enum { TAGS = TWATCH_OBJ_MUTEX << TWATCH_HELD_KIND_SHIFT };

static TW_NOINLINE int try_failed(int rc, pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = rc == EBUSY ? tw_enter() : NULL;
    if (t) {
        tw_wait_poll(t, tw_object_find((uintptr_t)m), TWATCH_POLL_TRYLOCK, pc, cfa);
        tw_leave(t);
    }
    if (rc != EBUSY) failed(rc, m, TW_DOES_LOCK, pc, cfa);
    return rc;
}

/* What follows is on the path of every lock of the program: each instruction counts, and what is rare is left by a jump, so that nothing has to be kept over it. */

static NOT_INLINE int taken(struct tw_thread *t, pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    push_slow(t, m, flags, pc, cfa);
    tw_leave(t);
    return 0;
}

static TW_NOINLINE int refused(pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    return flags & TWATCH_HELD_TRY ? try_failed(EBUSY, m, pc, cfa) : lock_slow(EBUSY, m, pc, cfa);
}

/* With other locks held. The key is made first: its multiplications go on while the mutex comes. */
static NOT_INLINE int take_inside(struct tw_thread *t, pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    const uint8_t tags = (uint8_t)(TAGS | flags);
    uint64_t key = tw_deps_ask(t, (uintptr_t)m, tags, TWATCH_MODE_EXCLUSIVE, pc);
    if (TW_UNLIKELY(!tw_direct_take(t, m))) return refused(m, flags, pc, cfa);
    tw_guard(t);
    if (TW_UNLIKELY(!tw_held_push_inner(t, key, (uintptr_t)m, tags, TWATCH_MODE_EXCLUSIVE, pc, cfa))) return taken(t, m, flags, pc, cfa);
    tw_leave(t);
    return 0;
}

static INLINE int take(struct tw_thread *t, pthread_mutex_t *m, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    if (t->slot->nheld != 0) return take_inside(t, m, flags, pc, cfa);
    if (TW_UNLIKELY(!tw_direct_take(t, m))) return refused(m, flags, pc, cfa);
    tw_guard(t);
    if (TW_UNLIKELY(!tw_held_push_first(t, (uintptr_t)m, (uint8_t)(TAGS | flags), TWATCH_MODE_EXCLUSIVE, pc, cfa))) return taken(t, m, flags, pc, cfa);
    tw_leave(t);
    return 0;
}

static NOT_INLINE int lock_other(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_direct_thread();
    return t && tw_direct_kind(m) ? take(t, m, 0, pc, cfa) : lock_by_libc(m, pc, cfa);
}

static INLINE int lock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(tw_python_is_interpreter_lock((uintptr_t)m))) return lock_interpreters(m);
    struct tw_thread *t = tw_direct_thread();
    return TW_LIKELY(t && tw_direct_plain(m)) ? take(t, m, 0, pc, cfa) : lock_other(m, pc, cfa);
}

int tw_mutex_lock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) { return lock(m, pc, cfa); }

int tw_mutex_trylock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_direct_thread();
    if (TW_LIKELY(t && tw_direct_kind(m))) return take(t, m, TWATCH_HELD_TRY, pc, cfa);
    int rc = TW_REAL(pthread_mutex_trylock)(m);
    if (!got(rc)) return try_failed(rc, m, pc, cfa);
    acquired(m, TWATCH_HELD_TRY, pc, cfa);
    return rc;
}

int tw_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until, uintptr_t pc, uintptr_t cfa) {
    if (!tw_ops_clock_ok(clock)) return TW_REAL(pthread_mutex_clocklock)(m, clock, until);
    int rc = TW_REAL(pthread_mutex_trylock)(m); /* the real one looks at the time limit only when the mutex is taken, too */
    if (rc == EBUSY) {
        bool said = wait_begin(m, TWATCH_WAIT_TIMED, tw_ops_deadline(clock, until), pc, cfa);
        rc = clock == CLOCK_REALTIME ? TW_REAL(pthread_mutex_timedlock)(m, until) : TW_REAL(pthread_mutex_clocklock)(m, clock, until);
        if (said) tw_ops_wait_end(got(rc));
    }
    if (got(rc)) acquired(m, TWATCH_HELD_TIMED, pc, cfa);
    return rc;
}

/* Not in our books: misuse only if glibc's owner field says so too. */
static TW_NOINLINE void unlock_unknown(struct tw_thread *t, pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    int kind = kind_of(m), owner = tw_ops_mutex_owner(m);
    bool locked = __atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED) != 0;
    if (kind == KIND_DESTROYED || (locked && (owner == t->tid || owner == 0))) return;
    if (kind & KIND_SHARED && locked) return; /* the owner may be in another process, whose ids may be in another namespace */
    uint32_t id = tw_object_get((uintptr_t)m, TWATCH_OBJ_MUTEX, type_of(kind), oflags_of(kind), pc, 0, t->id);
    struct tw_misuse misuse = {.kind = TWATCH_INCIDENT_UNLOCK_NOT_HELD, .object = id, .pc = pc, .cfa = cfa};
    if (locked) {
        struct twatch_held entry = {0};
        misuse.kind = TWATCH_INCIDENT_UNLOCK_NOT_OWNER;
        misuse.other_thread = tw_thread_holder((uintptr_t)m, &entry);
        misuse.other_stack = entry.stack;
        if (!misuse.other_thread) misuse.other_thread = tw_thread_by_tid(owner);
    }
    tw_ops_misuse(t, &misuse);
    /* The types that check refuse; the others let the lock go, and its owner holds it no more. */
    if (locked && (kind & KIND_TYPE) != PTHREAD_MUTEX_ERRORCHECK && (kind & KIND_TYPE) != PTHREAD_MUTEX_RECURSIVE) tw_thread_drop_held((uintptr_t)m);
}

static __attribute__((noinline)) void pop_slow(struct tw_thread *t, pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    if (!tw_held_pop(t, (uintptr_t)m)) unlock_unknown(t, m, pc, cfa);
}

static int unlock_by_libc(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (t) { /* before the real unlock: the next owner may record its acquisition at once */
        if (TW_UNLIKELY(!tw_held_pop_quick(t, (uintptr_t)m))) pop_slow(t, m, pc, cfa);
        if (TW_UNLIKELY(tw_race != NULL)) tw_race->release((uintptr_t)m);
        tw_leave(t);
    }
    return TW_REAL(pthread_mutex_unlock)(m);
}

static NOT_INLINE int unlock_wakes(pthread_mutex_t *m) { return TW_REAL(pthread_mutex_unlock)(m); }

static NOT_INLINE int unlock_other(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_direct_thread();
    if (!t || !tw_direct_kind(m) || !tw_held_pop_quick(t, (uintptr_t)m)) return unlock_by_libc(m, pc, cfa);
    return tw_direct_give(t, m) ? 0 : unlock_wakes(m);
}

static INLINE int unlock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(tw_python_is_interpreter_lock((uintptr_t)m))) return unlock_interpreters(m);
    struct tw_thread *t = tw_direct_thread();
    if (TW_UNLIKELY(!t || !tw_direct_plain(m) || !tw_held_pop_quick(t, (uintptr_t)m))) return unlock_other(m, pc, cfa);
    return TW_LIKELY(tw_direct_give(t, m)) ? 0 : unlock_wakes(m);
}

int tw_mutex_unlock(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) { return unlock(m, pc, cfa); }

/* A live mutex that is initialised again: what was known of it dies, and so may somebody's lock. */
void tw_mutex_before_init(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)m), stack = 0;
    const struct twatch_object *o = tw_object_at(id);
    if (o && o->kind == TWATCH_OBJ_MUTEX && !(o->flags & TWATCH_OBJF_DESTROYED)) {
        struct twatch_held entry = {0};
        uint32_t who = tw_thread_holder((uintptr_t)m, &entry);
        stack = entry.stack;
        if (!who) who = tw_thread_waiter((uintptr_t)m, &stack);
        if (who)
            tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_REINIT_IN_USE, .object = id, .other_thread = who, .other_stack = stack,
                                     .pc = pc, .cfa = cfa});
    }
    tw_leave(t);
}

void tw_mutex_after_init(pthread_mutex_t *m, uint16_t oflags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    int kind = kind_of(m);
    tw_object_init((uintptr_t)m, TWATCH_OBJ_MUTEX, type_of(kind), oflags | oflags_of(kind), pc, tw_stack_here(t, pc, cfa), t->id);
    if (tw_race) tw_race->forget((uintptr_t)m);
    tw_leave(t);
}

void tw_mutex_before_destroy(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)m);
    if (kind_of(m) == KIND_DESTROYED && id) {
        tw_ops_used_after_destroy(t, id, TW_DOES_DESTROY, pc, cfa);
    } else if (id && __atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED) != 0) {
        struct twatch_held entry = {0};
        uint32_t who = tw_thread_holder((uintptr_t)m, &entry);
        if (who)
            tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_DESTROY_LOCKED, .object = id, .other_thread = who,
                                     .other_stack = entry.stack, .pc = pc, .cfa = cfa});
    }
    tw_leave(t);
}

void tw_mutex_after_destroy(pthread_mutex_t *m, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint32_t id = tw_object_find((uintptr_t)m);
    if (id) tw_object_destroy(id, tw_stack_here(t, pc, cfa));
    if (tw_race) tw_race->forget((uintptr_t)m);
    tw_leave(t);
}

/* ---- the wrappers ---- */

TW_EXPORT int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_mutex_before_init(m, pc, cfa);
    int rc = TW_REAL(pthread_mutex_init)(m, attr);
    if (rc == 0) tw_mutex_after_init(m, 0, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_mutex_destroy(pthread_mutex_t *m) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_mutex_before_destroy(m, pc, cfa);
    int rc = TW_REAL(pthread_mutex_destroy)(m);
    if (rc == 0) tw_mutex_after_destroy(m, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_mutex_lock(pthread_mutex_t *m) { return lock(m, TW_CALLER, TW_CFA); }
TW_EXPORT int pthread_mutex_trylock(pthread_mutex_t *m) { return tw_mutex_trylock(m, TW_CALLER, TW_CFA); }
TW_EXPORT int pthread_mutex_unlock(pthread_mutex_t *m) { return unlock(m, TW_CALLER, TW_CFA); }

TW_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until) {
    return tw_mutex_clocklock(m, CLOCK_REALTIME, until, TW_CALLER, TW_CFA);
}

TW_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until) {
    return tw_mutex_clocklock(m, clock, until, TW_CALLER, TW_CFA);
}

/* Nothing to record: the survivor that got EOWNERDEAD holds it already. Intercepted so that the table is complete for the race engine. */
TW_EXPORT int pthread_mutex_consistent(pthread_mutex_t *m) { return TW_REAL(pthread_mutex_consistent)(m); }
