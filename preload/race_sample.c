#include "race_sample.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/utsname.h>
#include <ucontext.h>

#include "config.h"
#include "race_events.h"
#include "race_pace.h"
#include "race_places.h"
#include "race_watch.h"
#include "real.h"

/*
 * The events are opened by the thread that creates the first one, and inherited by all threads to come; moving one
 * moves it in all threads. The clock ticks in each thread after TW_EVENTS_TICK of its processor time; at a tick the
 * thread says which memory it is about to touch (race_choice.h), and a watchpoint may move on (race_watch.h). When
 * sampling rests (race_pace.h) all events are closed, and opened again later for some of the threads.
 */
enum { CALIBRATION = 4, TRAP_PERF_CODE = 6, ASYNC = 1, CALLS = 64, TAKEN_MOST = 8 };
#define TAKEN_REST 200000000ull
#define KEY_MASK 0xffffffff00000000ull
#define HANDLER_MOST 25000 /* ns: a handler that took longer was held, or waited for a processor */

bool tw_sample_on;

static uint64_t key;         /* in the upper half of every signal of ours */
static uint64_t rest_until;  /* 0: sampling does not rest */
static bool nothing_watched; /* until the bill is paid, but for the clock */
static uint32_t taken;       /* times that the program has closed our descriptors */
static volatile uint32_t calibrated, calibration_word;

/* ---- rest; under the lock of race_watch.h */

static void rest(uint64_t now, uint64_t ns) {
    uint64_t before = tw_pace_now();
    tw_watch_off();
    tw_events_close();
    tw_pace_spend(tw_pace_now() - before);
    __atomic_store_n(&rest_until, now + ns, __ATOMIC_RELEASE);
}

/* Descriptors that are not ours any more are left as they are; what is left of ours is closed, and all opened anew, for
 * a few times. */
static void lost(uint64_t now) {
    rest(now, TAKEN_REST);
    if (++taken <= TAKEN_MOST) return;
    __atomic_store_n(&tw_sample_on, false, __ATOMIC_RELEASE);
    tw_sys_say("twatch: races=sample: sampling ends here: the program closes our descriptors again and again\n");
}

/* Who waits and is woken much also looks here; a program that only computes would never, so it keeps the clock. */
static void look_on(uint64_t now) {
    uint64_t ns = tw_pace_owed(now, true);
    if (ns && tw_pace_waiting()) {
        rest(now, ns);
    } else if (ns) {
        tw_watch_off();
        nothing_watched = true;
    } else {
        nothing_watched = false;
        if (!tw_events_alive()) lost(now);
    }
}

static void wake_up(uint64_t now) {
    int tids[TW_EVENTS_TEAM] = {0};
    uint32_t n = 1, all = tw_thread_slots();
    static uint32_t turn;
    uint64_t ns = tw_pace_owed(now, false), before = tw_pace_now();
    if (ns) {
        __atomic_store_n(&rest_until, now + ns, __ATOMIC_RELEASE);
        return;
    }
    for (uint32_t i = 0; i < all && n < TW_EVENTS_TEAM; i++) {
        const struct twatch_slot *t = tw_thread_slot(turn++ % all + 1);
        const struct twatch_thread *d = t && t->thread ? tw_thread_desc(t->thread) : NULL;
        if (d && d->tid && t->thread != tw_self->id) tids[n++] = d->tid;
    }
    tw_pace_paid(now);
    tw_pace_anew();
    nothing_watched = false;
    bool open = tw_events_open(key, tids, n) == 0;
    tw_pace_spend(tw_pace_now() - before);
    __atomic_store_n(&rest_until, open ? 0 : now + TAKEN_REST, __ATOMIC_RELEASE);
}

static void look(void) {
    uint64_t now = tw_sys_now_coarse(), until = __atomic_load_n(&rest_until, __ATOMIC_RELAXED);
    if (until ? now < until : !tw_pace_due(now)) return;
    if (tw_header->pid != (int32_t)tw_sys(SYS_getpid) || !tw_watch_try()) return;
    if (!tw_sample_on)
        ;
    else if (rest_until)
        wake_up(now);
    else
        look_on(now);
    tw_watch_give();
}

/* The lock is for the guard only: a signal handler of the program may come in between, and touch what is watched. */
void tw_sample_waits(void) {
    static __thread uint32_t calls __attribute__((tls_model("initial-exec")));
    struct tw_thread *t = tw_self;
    if (++calls % CALLS || !t || t->ended) return;
    uint32_t guarded = t->busy;
    t->busy = 1;
    look();
    t->busy = guarded;
}

/* ---- signals */

static void tick(const struct tw_thread *t, const ucontext_t *uc) {
    tw_pace_tick();
    if (!tw_watch_try()) return;
    uint64_t now = tw_sys_now();
    if (tw_sample_on && !rest_until && tw_pace_due(now)) look_on(now);
    if (tw_sample_on && !rest_until && !nothing_watched) {
        tw_places_refresh();
        tw_choice_ahead(t, uc);
        if (tw_pace_earned() && tw_watch_move(now) < 0) lost(now);
    }
    tw_watch_give();
}

struct trap { /* the end of siginfo for TRAP_PERF, which the C library's header may not have yet */
    int32_t signo, err, code, pad;
    void *address;
    uint64_t data;
    uint32_t type, flags;
};

static void take(const struct trap *p, void *ucontext) {
    uint32_t number = tw_events_number(p->data);
    uint64_t before = tw_sys_now();
    struct tw_thread *t = tw_self && tw_live->on ? tw_enter() : NULL;
    if (p->type != PERF_TYPE_BREAKPOINT) {
        if (t) tick(t, ucontext);
    } else if (number < TW_EVENTS) {
        tw_watch_count(number, tw_pace_earned());
        if (t) tw_watch_hit(t, number, tw_events_generation(p->data), ucontext);
    }
    if (t) tw_leave(t);
    uint64_t took = tw_sys_now() - before;
    tw_pace_trap(took < HANDLER_MOST ? took : HANDLER_MOST, p->type != PERF_TYPE_BREAKPOINT);
}

bool tw_sample_trap(const siginfo_t *info, void *ucontext) {
    const struct trap *p = (const struct trap *)(const void *)info;
    if (p->code != TRAP_PERF_CODE || !key || (p->data & KEY_MASK) != key) return false;
    if (p->type == PERF_TYPE_BREAKPOINT && !tw_events_generation(p->data))
        calibrated++;
    else if (!(p->flags & ASYNC) && tw_sample_on) /* else it was blocked, and comes from elsewhere */
        take(p, ucontext);
    return true;
}

/* ---- start and end */

static const char *why_not(long error) {
    switch (error) {
    case -EACCES:
    case -EPERM:
        return "the kernel refuses perf_event_open (kernel.perf_event_paranoid, or the filter of a container)";
    case -ENOSPC:
    case -EBUSY:
        return "the processor's watchpoints are taken";
    case -EMFILE:
    case -ENFILE:
        return "there are no descriptors left";
    case -ENOSYS:
    case -ENODEV:
    case -EOPNOTSUPP:
        return "there are no hardware watchpoints here";
    default:
        return "the kernel opens no watchpoint that signals";
    }
}

/* Before 5.18 a watchpoint that hits while SIGTRAP is blocked kills the process. */
static bool kernel_is_old(void) {
    struct utsname name;
    uint32_t v[2] = {0, 0}, n = 0;
    if (tw_sys(SYS_uname, &name) != 0) return true;
    for (const char *c = name.release; *c && n < 2; c++) {
        if (*c >= '0' && *c <= '9')
            v[n] = v[n] * 10 + (uint32_t)(*c - '0');
        else
            n++;
    }
    return v[0] < 5 || (v[0] == 5 && v[1] < 18);
}

/* What a trap costs, and a watchpoint that is switched off and on, as at a switch of threads: much more in a virtual
 * machine. False: there was no trap. */
static bool calibrate(void) {
    uint64_t trap = UINT64_MAX, toggle = UINT64_MAX;
    if (tw_events_arm(0, 0, (uintptr_t)&calibration_word) != 0) return false;
    for (int i = 0; i < CALIBRATION; i++) {
        uint64_t before = tw_sys_now();
        calibration_word = (uint32_t)i;
        uint64_t between = tw_sys_now();
        tw_events_toggle(0);
        uint64_t after = tw_sys_now();
        if (between - before < trap) trap = between - before;
        if (after - between < toggle) toggle = after - between;
    }
    tw_events_disarm(0);
    tw_pace_start(trap, toggle);
    return calibrated >= CALIBRATION;
}

static const char *start(void (*take_traps)(void)) {
    if (kernel_is_old()) return "it needs Linux 5.18 or newer";
    tw_sys(SYS_getrandom, &key, sizeof key, 0);
    key = (key | 1ull << 63) & KEY_MASK;
    take_traps();
    const int self = 0;
    uint64_t now = tw_sys_now(), before = tw_pace_now();
    tw_pace_paid(now);
    int rc = tw_events_open(key, &self, 1);
    if (rc != 0) return why_not(rc);
    if (!calibrate()) return "watchpoints do not signal here";
    struct tw_thread *t = tw_enter();
    if (t) {
        tw_places_refresh();
        tw_leave(t);
    }
    tw_watch_start(now);
    tw_pace_spend(tw_pace_now() - before);
    tw_sample_on = true;
    return NULL;
}

void tw_sample_start(void (*take_traps)(void)) {
    const char *why = start(take_traps);
    if (why) {
        tw_sample_on = false;
        tw_events_close();
        tw_sys_say("twatch: races are off: races=sample: %s\n", why);
        return;
    }
    tw_header->flags |= TWATCH_HDR_RACES_ON;
}

bool tw_sample_owns(int fd) {
    return tw_sample_on && tw_events_own(fd);
}

int64_t tw_sample_next_own(uint32_t from) {
    return tw_sample_on ? tw_events_next(from) : -1;
}

void tw_sample_at_end(void) {
    if (tw_sample_on && !rest_until && !tw_events_alive())
        tw_sys_say("twatch: races=sample: sampling ended before the program did: it has closed our descriptors\n");
}

void tw_sample_pause(void) {
    if (tw_sample_on && tw_header->pid == (int32_t)tw_sys(SYS_getpid))
        tw_watch_off(); /* a child's exec is nothing to the parent */
}

/* The parent's events watch the parent alone, and live as long as a descriptor of them is open anywhere. */
void tw_sample_forked(void) {
    if (!tw_sample_on) return;
    tw_sample_on = false;
    rest_until = taken = 0;
    nothing_watched = false;
    tw_events_close();
    tw_pace_forked();
    tw_watch_forked();
    tw_places_forked();
}
