/*
 * Semaphores. What one is used as shows in who gives permits back: one permit given back by its taker is a lock, and
 * stands in the held set like one; a permit given by a thread that had taken none makes it a signal for good
 * (TWATCH_OBJF_FOREIGN_POST). The value is the low half of glibc's first word, the number of waiters the high half
 * (struct new_sem, 64-bit form).
 */
#include <fcntl.h>
#include <stdarg.h>

#include "detect.h"
#include "ops.h"
#include "python.h"
#include "python_call.h"
#include "sem_direct.h"
#include "sem_quick.h"
#include "use.h"

static uint64_t word(const sem_t *s) {
    return __atomic_load_n((const uint64_t *)(const void *)s, __ATOMIC_RELAXED);
}
static uint32_t value(const sem_t *s) {
    return (uint32_t)word(s);
}
static uint32_t waiters(const sem_t *s) {
    return (uint32_t)(word(s) >> 32);
}

static struct tw_use_entry *use_of(struct tw_thread *t, const sem_t *s, uintptr_t pc, uintptr_t cfa) {
    return tw_use_at(t, &(struct tw_use_query){.address = (uintptr_t)s, .pc = pc, .cfa = cfa, .kind = TWATCH_OBJ_SEM});
}

/* Stands in the held set of its taker. One that other processes may post needs a sign that its takers give back here.
 */
static bool is_lock(const struct twatch_object *o) {
    if (o->init_value != 1 || o->flags & TWATCH_OBJF_FOREIGN_POST) return false;
    return o->flags & TWATCH_OBJF_SELF_POST || !(o->flags & (TWATCH_OBJF_PSHARED | TWATCH_OBJF_NAMED));
}

/* Used without a sem_init that we saw, and nothing but zeros in it: memory of another process's making would not look
   so. A fork child has forgotten what its parent initialised. */
static void check_object(struct tw_thread *t, const struct tw_use_entry *e, const sem_t *s, enum tw_ops_action action,
        uintptr_t pc, uintptr_t cfa) {
    static const sem_t zeros;
    if (e->o->flags & TWATCH_OBJF_DESTROYED)
        tw_ops_used_after_destroy(t, e->object, action, pc, cfa);
    else if (!(e->o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_NAMED)) && !(tw_header->flags & TWATCH_HDR_FORKED) &&
             tw_sys_equal(s, &zeros, sizeof zeros))
        tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_USE_UNINITIALIZED,
                                 .object = e->object,
                                 .pc = pc,
                                 .cfa = cfa,
                                 .aux = action});
}

static inline bool suspicious(const struct twatch_object *o) {
    return (o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_NAMED | TWATCH_OBJF_DESTROYED)) != TWATCH_OBJF_INIT_SEEN;
}

/* ---- taking ---- */

/* Entries of semaphores that turned out to be signals, or are gone: their poster was another thread, which could not
 * take them out. */
static void drop_stale(struct tw_thread *t) {
    for (uint32_t i = t->slot->nheld; i-- > 0;) {
        if (tw_held_kind(&t->held[i]) != TWATCH_OBJ_SEM) continue;
        const struct twatch_object *o = tw_object_at(tw_held_resolve(t, &t->held[i]));
        struct twatch_held gone;
        if (!o || o->flags & (TWATCH_OBJF_FOREIGN_POST | TWATCH_OBJF_DEAD | TWATCH_OBJF_DESTROYED))
            tw_held_take(t, t->held[i].address, &gone);
    }
}

struct request {
    sem_t *sem;
    uintptr_t pc, cfa;
    uint8_t flags;   /* enum twatch_held_flags */
    uint64_t python; /* fingerprint of the Python frames, when the interpreter took it and may be looked at; 0: none */
};

static TW_NOINLINE void python_stack(struct tw_thread *t, const struct request *r, struct twatch_held *h) {
    const struct twatch_stack *s = tw_stack_python(t, r->pc, r->cfa, r->python);
    if (s && !h->stack) h->stack = s->id;
    if (s && s->flags & TWATCH_STACK_ASKS) tw_wait_asked(t, h->object, s->id);
}

/* A semaphore that is a lock: its taker holds it. */
static inline void hold(struct tw_thread *t, const struct request *r, const struct tw_use_entry *e) {
    const uint8_t tags = (uint8_t)(r->flags | TWATCH_OBJ_SEM << TWATCH_HELD_KIND_SHIFT);
    if (r->python && tw_sem_sampled(t, e) && tw_sem_holds_nothing_shared(t)) __atomic_fetch_add(&e->o->acquisitions, TW_SITE_SAMPLE - 1, __ATOMIC_RELAXED);
    if (!tw_held_push_quick(t, (uintptr_t)r->sem, tags, TWATCH_MODE_EXCLUSIVE, r->pc, r->cfa) &&
            !tw_held_push_again(t, (uintptr_t)r->sem, tags, TWATCH_MODE_EXCLUSIVE, r->pc, r->cfa))
        tw_held_push(t, &(struct tw_acquire){.address = (uintptr_t)r->sem,
                                .kind = TWATCH_OBJ_SEM,
                                .flags = r->flags,
                                .oflags = e->o->flags & TWATCH_OBJF_INIT_SEEN,
                                .pc = r->pc,
                                .cfa = r->cfa});
    struct twatch_held *top = &t->held[t->slot->nheld - 1];
    if (top->address == (uintptr_t)r->sem) {
        top->object = e->object; /* known here: the address may be another's when it is asked for */
        if (r->python) python_stack(t, r, top);
    }
    if (TW_UNLIKELY(t->slot->nheld >= 8 && t->slot->nheld % 8 == 0)) drop_stale(t);
}

static __attribute__((noinline)) void taken(const struct request *r) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct tw_use_entry *e = use_of(t, r->sem, r->pc, r->cfa);
    if (TW_LIKELY(e != NULL)) {
        if (TW_UNLIKELY(suspicious(e->o))) check_object(t, e, r->sem, TW_DOES_WAIT, r->pc, r->cfa);
        e->use->waits++;
        e->use->balance++;
        if (!e->use->wait_stack) e->use->wait_stack = tw_stack_here(t, r->pc, r->cfa);
        if (is_lock(e->o)) {
            hold(t, r, e);
        } else if (t->slot->nheld > 0 && tw_held_find(t, (uintptr_t)r->sem)) {
            drop_stale(t);
        }
    }
    if (tw_race) tw_race->acquire((uintptr_t)r->sem);
    tw_leave(t);
}

/*
 * CPython's blocking acquire tries with the interpreter's lock and waits without it, in one call of one function. What the Python frames were at the
 * try is what they are in the wait, where looking at them would take a system call.
 */
static __thread struct {
    const sem_t *sem;
    uintptr_t cfa;
    uint64_t python;
} tried __attribute__((tls_model("initial-exec")));

enum { NEAR = 256 }; /* bytes of stack between the two calls at most: a signal handler's Python code needs more */

/* The fingerprint at the try just before, used once; 0: there was none, or it was in another call (in a signal handler). */
static inline uint64_t after_try(const sem_t *s, uintptr_t cfa) {
    if (TW_LIKELY(tried.sem != s) || !tw_python_active() || tried.cfa - cfa + NEAR > 2 * NEAR) return 0;
    tried.sem = NULL;
    return tried.python;
}

enum { CANCELLED = 1 }; /* what the real functions never return: the wait was left by unwinding */
struct waiting {
    bool published;
    int rc;
};
/* Runs when the wait returns and when the thread is cancelled in it. */
static void wait_over(struct waiting *w) {
    if (w->published && w->rc == CANCELLED)
        tw_ops_wait_cancelled();
    else if (w->published)
        tw_ops_wait_end(w->rc == 0);
    tw_python_frames_stay(0);
}
#define WAITING __attribute__((cleanup(wait_over))) struct waiting

static TW_NOINLINE struct waiting wait_begin(const struct request *r, uint64_t deadline_ns) {
    tw_python_frames_stay(r->python);
    struct tw_wait w = {.kind = TWATCH_OBJ_SEM,
            .address = (uintptr_t)r->sem,
            .pc = r->pc,
            .cfa = r->cfa,
            .deadline_ns = deadline_ns};
    if (r->flags & TWATCH_HELD_TIMED) w.flags = TWATCH_WAIT_TIMED;
    return (struct waiting){tw_ops_wait_begin(&w, 0, 0), CANCELLED};
}

/* A time limit passed, or a try found nothing. */
static __attribute__((noinline)) void gave_up(const struct request *r) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct tw_use_entry *e = use_of(t, r->sem, r->pc, r->cfa);
    if (e) e->use->timeouts++;
    if (r->flags & TWATCH_HELD_TRY) tw_wait_poll(t, e ? e->object : 0, TWATCH_POLL_SEM, r->pc, r->cfa);
    tw_leave(t);
}

/* True if a permit was there. errno is left alone. */
static inline bool try_take(sem_t *s) {
    if (TW_LIKELY(tw_sem_direct)) return tw_sem_direct_take(s);
    if (value(s) == 0) return false;
    int saved = errno;
    if (TW_REAL(sem_trywait)(s) == 0) return true;
    errno = saved;
    return false;
}

static inline void taken_quick(const struct request *r) {
    if (TW_UNLIKELY(r->python || !tw_sem_lock_taken_quick((uintptr_t)r->sem, r->flags, r->pc, r->cfa))) taken(r);
}

/* The blocking forms act on a pending cancellation before they look at the value, so the test comes before the try. */

/* The interpreter's lock has not been taken again: the frames are still those of the try. */
static void taken_in_wait(const struct request *r) {
    tw_python_frames_stay(r->python);
    taken(r);
    tw_python_frames_stay(0);
}

static __attribute__((noinline)) int wait_slow(sem_t *s, uintptr_t pc, uintptr_t cfa) {
    const struct request r = {s, pc, cfa, 0, after_try(s, cfa)};
    if (TW_UNLIKELY(!try_take(s))) {
        WAITING w = wait_begin(&r, 0);
        w.rc = TW_REAL(sem_wait)(s);
        if (w.rc != 0) return w.rc;
    }
    taken_in_wait(&r);
    return 0;
}

static __attribute__((noinline)) int taken_slow(sem_t *s, uintptr_t pc, uintptr_t cfa) {
    taken(&(struct request){s, pc, cfa, 0, 0});
    return 0;
}

TW_EXPORT int sem_wait(sem_t *s) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    pthread_testcancel();
    if (TW_UNLIKELY(!tw_sem_direct || tried.sem == s || !tw_sem_direct_take(s))) return wait_slow(s, pc, cfa);
    if (TW_UNLIKELY(!tw_sem_lock_taken_quick((uintptr_t)s, 0, pc, cfa))) return taken_slow(s, pc, cfa);
    return 0;
}

TW_EXPORT int sem_timedwait(sem_t *s, const struct timespec *until) {
    const struct request r = {s, TW_CALLER, TW_CFA, TWATCH_HELD_TIMED, 0};
    bool ok = tw_ops_time_ok(until);
    if (ok) pthread_testcancel();
    if (!ok || !try_take(s)) {
        WAITING w = {false, CANCELLED};
        if (ok) w = wait_begin(&r, tw_ops_deadline(CLOCK_REALTIME, until));
        w.rc = TW_REAL(sem_timedwait)(s, until);
        if (w.rc != 0 && errno == ETIMEDOUT) gave_up(&r);
        if (w.rc != 0) return w.rc;
    }
    taken(&r);
    return 0;
}

TW_EXPORT int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until) {
    const struct request r = {s, TW_CALLER, TW_CFA, TWATCH_HELD_TIMED, after_try(s, TW_CFA)};
    bool ok = tw_ops_time_ok(until) && tw_ops_clock_ok(clock);
    if (ok) pthread_testcancel();
    if (!ok || !try_take(s)) {
        WAITING w = {false, CANCELLED};
        if (ok) w = wait_begin(&r, tw_ops_deadline(clock, until));
        w.rc = TW_REAL(sem_clockwait)(s, clock, until);
        if (w.rc != 0 && errno == ETIMEDOUT) gave_up(&r);
        if (w.rc != 0) return w.rc;
    }
    taken_in_wait(&r);
    return 0;
}

static __attribute__((noinline)) void taken_by_python(sem_t *s, uint8_t flags, uintptr_t pc, uintptr_t cfa, uint64_t print) {
    taken(&(struct request){s, pc, cfa, flags, print});
}

/* Condition asks so whether its caller has the lock, each time it is used. One in some counts, so that a loop of nothing else is still one that polls. */
static inline bool asks_for_own(const sem_t *s) {
    enum { SOME = 16 };
    static __thread uint32_t n __attribute__((tls_model("initial-exec")));
    const struct tw_thread *t = tw_self;
    uint32_t held = t && !t->busy ? t->slot->nheld : 0;
    return held && t->held[held - 1].address == (uintptr_t)s && ++n % SOME != 0;
}

/* Without arguments (`with lock:`, lock.acquire()) it is the first half of a blocking acquire, and no poll; with several there is a time limit. */
static __attribute__((noinline)) void refused_python(sem_t *s, uintptr_t frame, uintptr_t pc, uintptr_t cfa) {
    enum { WAITS = 0, TRIES = 1 };
    unsigned arguments = tw_python_argument(frame);
    if (arguments == TRIES && asks_for_own(s)) return;
    if (arguments != TRIES) {
        tried.sem = s;
        tried.cfa = cfa;
        tried.python = tw_python_print(frame);
    }
    if (arguments != WAITS) gave_up(&(struct request){s, pc, cfa, TWATCH_HELD_TRY, 0});
}

static __attribute__((noinline)) void tried_by_program(sem_t *s, int rc, uintptr_t pc, uintptr_t cfa) {
    const struct request r = {s, pc, cfa, TWATCH_HELD_TRY, 0};
    if (rc == 0)
        taken_quick(&r);
    else
        gave_up(&r);
}

static inline int attempt(sem_t *s) {
    if (TW_UNLIKELY(!tw_sem_direct)) return TW_REAL(sem_trywait)(s);
    if (TW_LIKELY(tw_sem_direct_take(s))) return 0;
    errno = EAGAIN;
    return -1;
}

/* CPython tries before it blocks: what it took without arguments it would have waited for. */
TW_EXPORT int sem_trywait(sem_t *s) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = attempt(s);
    uintptr_t frame = tw_python_calling(pc);
    if (frame == 0) {
        tried_by_program(s, rc, pc, cfa);
    } else if (TW_LIKELY(rc == 0)) {
        uint8_t flags = tw_python_argument(frame) == 0 ? 0 : TWATCH_HELD_TRY;
        uint64_t print = tw_python_print(frame);
        if (flags) tw_wait_tries++;
        if (TW_UNLIKELY(!tw_sem_taken_quick((uintptr_t)s, flags, pc, cfa, print))) taken_by_python(s, flags, pc, cfa, print);
    } else {
        refused_python(s, frame, pc, cfa);
    }
    return rc;
}

/* ---- giving ---- */

/* The poster holds no permit. If all others gave back their own and the value goes above where it began, this one gives
 * back twice. */
static TW_NOINLINE void foreign_post(
        struct tw_thread *t, struct tw_use_entry *e, const sem_t *s, uintptr_t pc, uintptr_t cfa) {
    struct twatch_object *o = e->o;
    bool bounded = o->init_value > 0 && o->flags & TWATCH_OBJF_SELF_POST;
    if (bounded && !(o->flags & (TWATCH_OBJF_PSHARED | TWATCH_OBJF_NAMED)) && value(s) + 1ull > o->init_value)
        tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_SEM_OVERPOST,
                                 .object = e->object,
                                 .pc = pc,
                                 .cfa = cfa,
                                 .aux = value(s) + 1ull});
    __atomic_fetch_or(&o->flags, TWATCH_OBJF_FOREIGN_POST, __ATOMIC_RELAXED);
}

static inline void giving(struct tw_thread *t, sem_t *s, uintptr_t pc, uintptr_t cfa) {
    struct tw_use_entry *e = use_of(t, s, pc, cfa);
    if (!e) return;
    struct twatch_object *o = e->o;
    if (TW_UNLIKELY(suspicious(o))) check_object(t, e, s, TW_DOES_POST, pc, cfa);
    if (e->use->balance > 0) {
        if (!(o->flags & TWATCH_OBJF_SELF_POST)) __atomic_fetch_or(&o->flags, TWATCH_OBJF_SELF_POST, __ATOMIC_RELAXED);
        if (is_lock(o) && !tw_held_pop_quick(t, (uintptr_t)s)) tw_held_pop(t, (uintptr_t)s);
    } else if (!(o->flags & TWATCH_OBJF_FOREIGN_POST)) {
        foreign_post(t, e, s, pc, cfa);
    }
    e->use->balance--;
    e->use->posts++;
    if (TW_UNLIKELY(!e->use->post_stack)) {
        e->use->post_stack = tw_stack_here(t, pc, cfa);
        if (!e->use->first_ns) e->use->first_ns = tw_sys_now();
    }
    uint32_t reached = value(s) + 1;
    if (o->flags & TWATCH_OBJF_FOREIGN_POST) {
        uint32_t there = waiters(s); /* those who were woken before stand among them until they have taken theirs */
        e->use->posts_to_nobody += reached > there;
        e->use->broadcasts += reached > there ? reached - there : 0;
    }
    if (TW_UNLIKELY(reached - 1 < e->use->level - 1)) e->use->level = reached; /* most permits are out just before one comes back */
    if (TW_UNLIKELY(reached > o->max_value)) o->max_value = reached;
}

static inline int give(sem_t *s) {
    if (TW_LIKELY(tw_sem_direct && tw_sem_direct_give(s))) return 0;
    __atomic_store_n(&tw_detect_posted, (uintptr_t)s, __ATOMIC_RELAXED);
    return TW_REAL(sem_post)(s);
}

/* May be called in a signal handler that interrupted anything, this library included: it is only forwarded then. */
TW_EXPORT int sem_post(sem_t *s) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    if (TW_LIKELY(tw_sem_given_quick(s))) return give(s);
    struct tw_thread *t = tw_enter();
    if (TW_LIKELY(t != NULL)) { /* before the real one: the woken thread may be through with the semaphore, and its
                                   memory gone, at once */
        giving(t, s, pc, cfa);
        if (tw_race) tw_race->release((uintptr_t)s);
        tw_leave(t);
    }
    return give(s);
}

/* ---- life ---- */

static void made(struct tw_thread *t, const sem_t *s, uint16_t flags, uint32_t initial, uint32_t name, uintptr_t pc,
        uintptr_t cfa) {
    uint32_t stack = tw_stack_here(t, pc, cfa);
    struct twatch_object *o = tw_object_at(tw_object_init((uintptr_t)s, TWATCH_OBJ_SEM, 0, flags, pc, stack, t->id));
    if (o) o->init_value = o->max_value = initial, o->init_value2 = name;
    if (tw_race) tw_race->forget((uintptr_t)s);
}

static void check_waiters(
        struct tw_thread *t, const sem_t *s, uint32_t id, uint32_t kind, uintptr_t pc, uintptr_t cfa) {
    if (waiters(s) == 0 || value(s) > 0) return; /* a waiter that was woken may still count itself */
    struct tw_misuse m = {.kind = kind, .object = id, .pc = pc, .cfa = cfa};
    m.other_thread = tw_thread_waiter((uintptr_t)s, &m.other_stack);
    if (m.other_thread) tw_ops_misuse(t, &m);
}

TW_EXPORT int sem_init(sem_t *s, int pshared, unsigned initial) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) { /* before the real one, which wipes the count of waiters */
        uint32_t id = tw_object_find((uintptr_t)s);
        const struct twatch_object *o = tw_object_at(id);
        if (o && o->kind == TWATCH_OBJ_SEM && !(o->flags & TWATCH_OBJF_DESTROYED))
            check_waiters(t, s, id, TWATCH_INCIDENT_REINIT_IN_USE, pc, cfa);
        tw_leave(t);
    }
    int rc = TW_REAL(sem_init)(s, pshared, initial);
    t = rc == 0 ? tw_enter() : NULL;
    if (t) {
        made(t, s, pshared ? TWATCH_OBJF_PSHARED : 0, initial, 0, pc, cfa);
        tw_leave(t);
    }
    return rc;
}

TW_EXPORT int sem_destroy(sem_t *s) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) {
        uint32_t id = tw_object_find((uintptr_t)s);
        const struct twatch_object *o = tw_object_at(id);
        if (o && o->kind == TWATCH_OBJ_SEM) {
            if (o->flags & TWATCH_OBJF_DESTROYED)
                tw_ops_used_after_destroy(t, id, TW_DOES_DESTROY, pc, cfa);
            else
                check_waiters(t, s, id, TWATCH_INCIDENT_DESTROY_WAITED, pc, cfa);
            struct twatch_held gone;
            while (tw_held_take(t, (uintptr_t)s, &gone))
                continue; /* legal with its permit taken: it was no lock, or its last use */
            tw_object_destroy(id, tw_stack_here(t, pc, cfa));
            tw_use_object_dead(id);
        }
        if (tw_race) tw_race->forget((uintptr_t)s);
        tw_leave(t);
    }
    return TW_REAL(sem_destroy)(s);
}

/* The same name opened again gives the same address in this process: it stays the object that it was. */
static void opened(sem_t *s, const char *name, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    struct twatch_object *o = tw_object_at(tw_object_find((uintptr_t)s));
    if (!o || o->kind != TWATCH_OBJ_SEM || !(o->flags & TWATCH_OBJF_NAMED) || o->flags & TWATCH_OBJF_DESTROYED) {
        made(t, s, TWATCH_OBJF_NAMED | TWATCH_OBJF_PSHARED, value(s), tw_store_string(name, tw_sys_length(name)), pc,
                cfa);
        o = tw_object_at(tw_object_find((uintptr_t)s));
    }
    if (o) o->links++; /* times it is open */
    tw_leave(t);
}

TW_EXPORT sem_t *sem_open(const char *name, int oflag, ...) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    sem_t *s;
    if (oflag & O_CREAT) {
        va_list more;
        va_start(more, oflag);
        mode_t mode = va_arg(more, mode_t);
        unsigned initial = va_arg(more, unsigned);
        va_end(more);
        s = TW_REAL(sem_open)(name, oflag, mode, initial);
    } else {
        s = TW_REAL(sem_open)(name, oflag);
    }
    if (s != SEM_FAILED) opened(s, name, pc, cfa);
    return s;
}

TW_EXPORT int sem_close(sem_t *s) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_enter();
    if (t) { /* the last close unmaps it */
        uint32_t id = tw_object_find((uintptr_t)s);
        struct twatch_object *o = tw_object_at(id);
        if (o && o->kind == TWATCH_OBJ_SEM && o->flags & TWATCH_OBJF_NAMED && o->links > 0 && --o->links == 0) {
            struct twatch_held gone;
            while (tw_held_take(t, (uintptr_t)s, &gone))
                continue;
            tw_object_destroy(id, tw_stack_here(t, pc, cfa));
            tw_use_object_dead(id);
        }
        tw_leave(t);
    }
    return TW_REAL(sem_close)(s);
}
