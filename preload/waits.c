#include "race_sample.h"
#include "waits.h"

#include "config.h"
#include "detect.h"
#include "finish.h"
#include "hang.h"
#include "incident.h"
#include "inherit.h"
#include "interval.h"
#include "look.h"
#include "patience.h"
#include "python.h"
#include "spurious.h"
#include "use.h"

/* ---- publishing ---- */

/* wait_seq is odd while the fields change; see tw_look_thread for the reader (Lameter, "Effective synchronization on
 * Linux/NUMA systems", 2005). */
static void open_fields(struct twatch_slot *s) {
    __atomic_store_n(&s->wait_seq, s->wait_seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void close_fields(struct twatch_slot *s) {
    __atomic_store_n(&s->wait_seq, s->wait_seq + 1, __ATOMIC_RELEASE);
}

static bool counts(const struct twatch_slot *s) {
    return s->wait_kind != 0 && !(s->wait_flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL | TWATCH_WAIT_SHARED));
}

static void clear(struct twatch_slot *s) {
    if (counts(s)) __atomic_fetch_sub(&tw_detect_blocked, 1, __ATOMIC_SEQ_CST);
    open_fields(s);
    s->wait_kind = 0;
    close_fields(s);
}

static void publish(struct twatch_slot *s, const struct tw_wait *w, uint16_t flags, uint32_t stack, uint64_t now) {
    open_fields(s);
    s->wait_kind = w->kind;
    s->wait_mode = w->mode;
    s->wait_flags = flags;
    s->wait_object = w->object;
    s->wait_mutex = w->mutex;
    s->wait_thread = w->thread;
    s->wait_stack = stack;
    s->wait_count++;
    s->wait_since_ns = now;
    s->wait_deadline_ns = w->deadline_ns;
    s->wait_address = w->address;
    close_fields(s);
    /* A full barrier too: what the others published before theirs is seen by the look that follows. */
    if (counts(s)) __atomic_fetch_add(&tw_detect_blocked, 1, __ATOMIC_SEQ_CST);
}

/* ---- a wait for oneself ---- */

enum { RELOCK = 0, READ_TO_WRITE = 1, WRITE_TO_READ = 2, SELF_JOIN = 3, SELF_ONCE = 4, NO_SELF = -1 };

/* Which of them the wait is. Only what blocks for ever: glibc answers EDEADLK to a thread that joins itself or asks
   again for a rwlock that it holds for writing, and never lets a recursive or error-checking mutex come here. */
static int self_wait(struct tw_thread *t, const struct tw_wait *w, const struct twatch_held **held) {
    const struct twatch_object *o = tw_object_at(w->object);
    if (w->flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL) || (o && o->flags & TWATCH_OBJF_PSHARED)) return NO_SELF;
    *held = t->slot->nheld ? tw_held_find(t, w->address) : NULL;
    if (!*held || (o && (*held)->object != w->object)) return NO_SELF;
    switch (w->kind) {
    case TWATCH_OBJ_MUTEX:
        return o && (o->type == TWATCH_TYPE_RECURSIVE || o->type == TWATCH_TYPE_ERRORCHECK) ? NO_SELF : RELOCK;
    case TWATCH_OBJ_SPIN:
        return RELOCK;
    case TWATCH_OBJ_RWLOCK:
        return (*held)->mode == TWATCH_MODE_SHARED && w->mode == TWATCH_MODE_EXCLUSIVE ? READ_TO_WRITE : NO_SELF;
    case TWATCH_OBJ_ONCE:
    case TWATCH_OBJ_GUARD:
        return SELF_ONCE;
    default:
        return NO_SELF;
    }
}

/* Said before blocking: no other thread has a part in it. True if it was one. */
static bool report_self(struct tw_thread *t, const struct tw_wait *w, uint32_t stack) {
    const struct twatch_held *held = NULL;
    int how = self_wait(t, w, &held);
    if (how == NO_SELF) return false;
    uint32_t group = tw_incident_group();
    tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_SELF_DEADLOCK,
                           .object = w->object,
                           .stack = stack,
                           .other_thread = t->id,
                           .other_stack = held->stack,
                           .group = group,
                           .aux = (uint64_t)how});
    __atomic_fetch_or(&t->slot->wait_flags, TWATCH_WAIT_REPORTED, __ATOMIC_RELAXED);
    tw_hang_report(t, group);
    return true;
}

/* ---- begin and end ---- */

/* Python's Thread.join may wait at a semaphore of its own: it is a join all the same. */
static void see_join(const struct tw_thread *t, struct tw_wait *w, uint32_t stack) {
    const struct twatch_stack *s = tw_stack_by_id(stack);
    if (!s || !(s->flags & TWATCH_STACK_JOINS) || w->address < t->stack_lo + 64 || w->address >= t->stack_hi) return;
    uint64_t handle = tw_python_joined(w->address);
    uint32_t joined = handle ? tw_thread_by_handle(handle) : 0;
    if (!joined || joined == t->id) return;
    w->kind = TWATCH_OBJ_THREAD;
    w->thread = joined;
    w->object = 0;
}

/* Shared by all threads: written once a millisecond. */
static void still_alive(uint64_t now) {
    enum { EVERY_NS = 1000000 };
    if (now - tw_header->alive_ns >= EVERY_NS) tw_header->alive_ns = now;
}

void tw_wait_begin(struct tw_thread *t, const struct tw_wait *what) {
    struct tw_wait wait = *what, *w = &wait;
    tw_sample_wake();
    struct twatch_slot *s = t->slot;
    uint16_t flags = w->flags;
    const struct twatch_object *o = tw_object_at(w->object);
    if (o && o->flags & (TWATCH_OBJF_PSHARED | TWATCH_OBJF_NAMED)) flags |= TWATCH_WAIT_SHARED;
    uint32_t stack = tw_stack_here(t, w->pc, w->cfa);
    if (w->kind == TWATCH_OBJ_SEM && tw_python_active()) see_join(t, w, stack);
    uint64_t now = tw_sys_now();
    for (uint32_t i = 0; i < s->nheld; i++) { /* who reads the record, or looks, must not need our stack for it */
        tw_held_resolve(t, &t->held[i]);
        tw_held_stack(t, &t->held[i]);
        tw_interval_clock(t, &t->held[i], now, TWATCH_INTERVAL_LATE, NULL);
    }
    if (s->wait_kind) clear(s); /* a signal handler that waits, or a wait that was left by a jump */
    publish(s, w, flags, stack, now);
    still_alive(now);
    tw_inherit_waits(t, w->address); /* also a wait that is given up some time */
    if (!TW_CONFIG(detect_deadlocks) || flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL | TWATCH_WAIT_SHARED)) return;
    if (w->passing && !tw_look_crowded(o)) return; /* asked after it was published: who makes a crowd later sees this wait */
    if (!report_self(t, w, stack)) tw_detect_wait(t);
}

static struct twatch_stat *count_lock(struct tw_thread *t, const struct twatch_slot *s, uint64_t now, uint64_t ns) {
    const struct twatch_stack *stack = tw_stack_by_id(s->wait_stack);
    uintptr_t pc = stack && stack->nframes ? (uintptr_t)stack->pc[0] : 0;
    struct tw_stat_entry *e = tw_stat_of(t, s->wait_object, pc, s->wait_stack);
    if (!e) return NULL;
    tw_stat_waited(e, now, ns);
    return e->stat;
}

/* waits, timeouts, posts and balance are the wrappers' to count: only they know what was asked for. */
static void count_use(struct tw_thread *t, const struct twatch_slot *s, uint64_t now, uint64_t ns, bool got) {
    struct twatch_use *use = tw_use_of(t, s->wait_object);
    if (!use) return;
    if (got) use->blocked++;
    use->wait_ns += ns;
    if (ns > use->wait_max_ns) use->wait_max_ns = ns;
    if (!use->wait_stack) use->wait_stack = s->wait_stack;
    if (!use->first_ns) use->first_ns = s->wait_since_ns;
    use->last_ns = now;
}

/*
 * Joins with a time limit, one after the other at one place: each limit begins where the one before ended, so that all of them together can take
 * as many times the limit as there are threads. Those that came in time count for that once one has not.
 */
void tw_wait_joined(struct tw_thread *t, uint32_t joined, uint32_t stack, uint64_t waited_ns, bool gave_up) {
    static __thread struct {
        uint32_t stack, last, n;
        bool late;
    } row __attribute__((tls_model("initial-exec")));
    if (row.stack != stack) {
        row.stack = stack;
        row.last = row.n = 0;
        row.late = false;
    }
    if (row.last != joined) row.n++;
    row.last = joined;
    row.late = row.late || gave_up;
    if (row.late)
        tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_JOIN_TIMEOUT,
                               .stack = stack,
                               .other_thread = joined,
                               .object2 = row.n,
                               .aux = gave_up ? waited_ns : 0,
                               .more = !gave_up});
}

/* Thread.join(timeout): up to CPython 3.12 it waits for a lock that the thread made, later see_join has found the thread. */
static void python_join(struct tw_thread *t, const struct twatch_slot *s, uint64_t ns, bool got) {
    const struct twatch_stack *stack = tw_stack_by_id(s->wait_stack);
    if (!stack || !(stack->flags & TWATCH_STACK_JOINS)) return;
    const struct twatch_object *o = s->wait_kind == TWATCH_OBJ_SEM ? tw_object_at(s->wait_object) : NULL;
    uint32_t joined = s->wait_kind == TWATCH_OBJ_THREAD ? s->wait_thread : o ? o->creator : 0;
    struct twatch_thread *d = joined != t->id ? tw_thread_desc(joined) : NULL;
    if (!d) return;
    if (!got) __atomic_fetch_add(&d->join_timeouts, 1, __ATOMIC_RELAXED);
    tw_wait_joined(t, joined, s->wait_stack, ns, !got);
}

uint64_t tw_wait_end(struct tw_thread *t, bool got) {
    struct twatch_slot *s = t->slot;
    if (!s->wait_kind) return 0; /* a signal handler's wait took its place */
    uint64_t now = tw_sys_now(), ns = now - s->wait_since_ns;
    bool limited = s->wait_flags & TWATCH_WAIT_TIMED && s->wait_deadline_ns;
    if (limited && !got && s->wait_deadline_ns <= s->wait_since_ns)
        tw_wait_zero(t, s);
    else if (limited && tw_python_active())
        python_join(t, s, ns, got);
    switch (s->wait_kind) {
    case TWATCH_OBJ_SEM:
    case TWATCH_OBJ_COND:
    case TWATCH_OBJ_BARRIER:
        count_use(t, s, now, ns, got);
        break;
    case TWATCH_OBJ_THREAD:
        break;
    default:
        t->waited_stat = count_lock(t, s, now, ns);
        t->waited_until_ns = got && ns >= TW_INTERVAL_LONG_WAIT_NS ? now : 0;
        break;
    }
    tw_interval_waited(t, s, ns, got);
    still_alive(now);
    clear(s);
    return ns;
}

void tw_wait_thread_ended(struct tw_thread *t) {
    tw_spurious_thread_ended(t);
    tw_stat_thread_ended(t);
    if (t->slot->wait_kind) clear(t->slot); /* cancelled in a wait */
    if (TW_CONFIG(detect_deadlocks)) tw_detect_thread_ended(t);
}

/* Before tw_thread_init, whose fork handlers record: see tw_process_init. */
void tw_waits_init(void) {
    tw_interval_init();
    tw_patience_init();
    tw_process_init();
    tw_hang_watch();
}

void tw_waits_forked(void) {
    tw_interval_forked();
    tw_detect_forked();
    tw_hang_forked();
}
