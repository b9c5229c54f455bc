/*
 * Busy waiting: the same try, at the same place, a thousand times and for a second, without this thread getting
 * anything else meanwhile, and with the processor kept busy with hardly anything but asking. The first tries cost a
 * comparison and an increment.
 *
 * A try that succeeds is work, as a rule: a lock for each piece of it. It is not where the function that takes the lock
 * has no other purpose than to ask: Python's threading.active_count() and its like. There the thread may take other
 * locks now and then, but hardly ever, and must not have waited; a stream's lock, through which a line that it prints
 * goes, is tried and does not count.
 */
#include "incident.h"
#include "stack.h"
#include "use.h"
#include "waits.h"

enum { START = 64, CHECK_EVERY = 1024 };
enum {
    SHARE = 8,  /* at least an eighth of the time on the processor: others may need it too */
    AWAKE = 256 /* or hardly ever asleep, on a machine where many want the processor: so many tries for each time that
                   it blocked */
};
static const uint64_t LEAST_NS = 1000000000u,
                      NEXT_NS = LEAST_NS / 8, /* once it was said, what goes on is added in smaller steps */
        MOST_PER_ZERO_NS = 40000u, /* a wait whose time is over sets a timer in the kernel and takes it back */
        MOST_PER_TRY_NS = 10000u /* of processor time: more, and the loop does something in between */;

static __thread struct {
    uint64_t cpu_ns, slept, progress;
    uint32_t object;
    bool timed; /* the clocks were read when it was opened */
    bool said;  /* it goes on from one that was reported */
} window __attribute__((tls_model("initial-exec")));

static uint64_t cpu_now(void) {
    struct {
        long s, ns;
    } now = {0, 0};
    tw_sys(SYS_clock_gettime, 3 /* CLOCK_THREAD_CPUTIME_ID */, &now);
    return (uint64_t)now.s * 1000000000u + (uint64_t)now.ns;
}

/* Times that this thread gave the processor up to wait: not for a turn of others, which sched_yield asks for. */
static uint64_t sleeps(void) {
    struct { /* struct rusage of the kernel */
        long times[4], other[12], voluntary, involuntary;
    } usage = {0};
    tw_sys(SYS_getrusage, 1 /* RUSAGE_THREAD */, &usage);
    return (uint64_t)usage.voluntary;
}

static bool kept_busy(uint64_t wall, uint64_t cpu, uint64_t slept, uint32_t tries) {
    return cpu >= wall / SHARE || slept <= tries / AWAKE;
}

static __thread uint64_t zero_waits __attribute__((tls_model(
        "initial-exec"))); /* waits of this thread that were polls, and the acquisitions that belong to them */

/* Grows with everything that this thread acquires, and with every wait. */
static uint64_t progress_of(struct tw_thread *t) {
    uint64_t sum = t->slot->wait_count - zero_waits + t->slot->ops;
    for (uint32_t i = 0; i < TW_USES; i++)
        if (t->uses[i].use) sum += t->uses[i].use->waits + t->uses[i].use->posts;
    return sum;
}

/* The clocks are three system calls: a thread that works, and fails now and then, never pays for them. */
static void open_window(struct tw_thread *t, uint32_t object, bool timed, bool said) {
    window.timed = timed;
    window.said = said;
    if (timed) {
        t->poll_since_ns = tw_sys_now();
        window.cpu_ns = cpu_now();
        window.slept = sleeps();
    }
    window.progress = progress_of(t);
    window.object = object;
}

__thread uint32_t tw_wait_tries __attribute__((tls_model("initial-exec")));
static __thread struct {
    uint64_t since_ns, cpu_ns, slept, ops;
    uint32_t object, waits, count, tries;
    bool said;
} asked __attribute__((tls_model("initial-exec")));

static void open_asked(const struct tw_thread *t, bool said) {
    asked.said = said;
    asked.count = 0;
    asked.since_ns = tw_sys_now();
    asked.cpu_ns = cpu_now();
    asked.slept = sleeps();
    asked.ops = t->slot->ops;
    asked.tries = tw_wait_tries;
    asked.waits = (uint32_t)t->slot->wait_count;
}

void tw_wait_asked(struct tw_thread *t, uint32_t object, uint32_t stack) {
    enum { OTHERS = 16, WAITS = 1024 }; /* asked for each other lock that was taken, for each wait */
    if (TW_UNLIKELY(asked.object != object)) {
        asked.object = object;
        open_asked(t, false);
        asked.ops--; /* this one belongs to the window */
    }
    uint32_t n = ++asked.count;
    if (TW_LIKELY(n % CHECK_EVERY != 0)) return;
    uint64_t others = t->slot->ops - asked.ops - n, tries = tw_wait_tries - asked.tries;
    others = others > tries ? others - tries : 0;
    uint32_t waits = (uint32_t)t->slot->wait_count - asked.waits;
    bool nothing_else = others <= n / OTHERS && waits <= n / WAITS;
    uint64_t wall = tw_sys_now() - asked.since_ns;
    uint64_t least = asked.said ? NEXT_NS : LEAST_NS;
    if (wall < least && nothing_else) return;
    uint64_t cpu = cpu_now() - asked.cpu_ns;
    bool burns = wall >= least && nothing_else && kept_busy(wall, cpu, sleeps() - asked.slept, n) &&
                 cpu / n <= MOST_PER_TRY_NS;
    if (burns)
        tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_BUSY_WAIT,
                               .object = object,
                               .object2 = TWATCH_POLL_ASK,
                               .stack = stack,
                               .aux = cpu,
                               .more = asked.said});
    open_asked(t, burns);
}

/* `stack`: 0: that of pc and cfa. */
static void poll_at(
        struct tw_thread *t, uint32_t object, uint32_t poll_kind, uintptr_t pc, uintptr_t cfa, uint32_t stack) {
    if (TW_UNLIKELY(t->poll_pc != pc)) {
        t->poll_pc = pc;
        t->poll_count = 0;
    }
    uint32_t n = ++t->poll_count;
    if (TW_UNLIKELY(n == START)) open_window(t, object, true, false);
    if (TW_LIKELY(n % CHECK_EVERY != 0)) return;
    bool still = progress_of(t) == window.progress && object == window.object;
    if (!still || !window.timed) {
        t->poll_count = START; /* a new window */
        open_window(t, object, still, false);
        return;
    }
    uint64_t wall = tw_sys_now() - t->poll_since_ns;
    if (wall < (window.said ? NEXT_NS : LEAST_NS)) return;
    uint64_t cpu = cpu_now() - window.cpu_ns;
    uint64_t most = poll_kind == TWATCH_POLL_ZERO_WAIT ? MOST_PER_ZERO_NS : MOST_PER_TRY_NS;
    bool burns = kept_busy(wall, cpu, sleeps() - window.slept, n - START) && cpu / (n - START) <= most;
    if (burns)
        tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_BUSY_WAIT,
                               .object = object,
                               .object2 = poll_kind,
                               .stack = stack ? stack : tw_stack_here(t, pc, cfa),
                               .aux = cpu,
                               .more = window.said});
    t->poll_count = START;
    open_window(t, object, true, burns);
}

void tw_wait_poll(struct tw_thread *t, uint32_t object, uint32_t poll_kind, uintptr_t pc, uintptr_t cfa) {
    poll_at(t, object, poll_kind, pc, cfa, 0);
}

void tw_wait_zero(struct tw_thread *t, const struct twatch_slot *s) {
    const struct twatch_stack *stack = tw_stack_by_id(s->wait_stack);
    zero_waits += s->wait_kind == TWATCH_OBJ_COND ? 2 : 1; /* its mutex is taken again, too */
    if (stack && stack->nframes)
        poll_at(t, s->wait_object, TWATCH_POLL_ZERO_WAIT, (uintptr_t)stack->pc[0], 0, stack->id);
}
