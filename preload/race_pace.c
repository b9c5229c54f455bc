#include "race_pace.h"

#include <sys/resource.h>
#include <time.h>

#include "race_events.h"
#include "store.h"
#include "thread.h"

/*
 * Traps are paid for by ticks: each earns TRAPS per mille of its time. All together is to stay below SHARE per mille of
 * the process's time: what is on the bill was seen to be a third of what it costs in a virtual machine (the exits to
 * the host, the interrupts of other processors, caches).
 */
enum { TRAPS = 3, SHARE = 5, EARNED_MOST = 20 * (TW_EVENTS_TICK / 1000 * TRAPS) };
enum { LOOK_FIRST = 4000000, LOOK_LAST = 64000000, LOOK_BIRTHS = 64, LOOK_ASKED = 8 };
/*
 * In switches of one watchpoint off and on. A thread that waits and is woken: the processor was idle in between, and
 * all were switched. One that another thread takes over from has the same events, which the kernel then leaves as they
 * are. (Measured in a virtual machine, 2.2 us the switch: 6 us, 0.6 us, and 21 us for a thread that is created.)
 */
enum { WAIT = 3, TURN = 1, TURN_ANEW = 3, BIRTH = 10 };
/* For a second after the last event was closed the kernel still looks at each switch of a thread that had one; in parts
 * of a switch of one watchpoint. */
enum { LOOKED_AT = 10 };
#define LOOKED_FOR 1000000000ull
/* ns of processor time that may be owed: what it takes to open and close the events is no reason to. */
#define DEBT 110000000ull
#define REST_MOST 60000000000ull
#define BILL_LONG 4000000000ull /* ns of processor time: then a new bill begins */

static int64_t earned;                /* ns that may go into traps */
static uint64_t spent, spent_waiting; /* since the bill began */
static uint64_t trap_cost = 5000, toggle_cost = 500, look_every = LOOK_FIRST;
static bool anew;             /* events were opened for each thread alone: no two are the same */
static uint32_t asked;        /* since the last look */
static uint64_t looked_until; /* by the kernel */
static struct load {
    uint64_t cpu_ns, waits, turns, births, wall_ns;
} begin, last; /* of the bill; when it was looked at */

void tw_pace_start(uint64_t trap_ns, uint64_t toggle_ns) {
    trap_cost = trap_ns;
    toggle_cost = toggle_ns;
    earned = 0;
}

uint64_t tw_pace_now(void) {
    struct timespec t = {0, 0};
    tw_sys(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void tw_pace_spend(uint64_t ns) {
    __atomic_fetch_add(&spent, ns, __ATOMIC_RELAXED);
}

void tw_pace_trap(uint64_t in_handler_ns, bool tick) {
    int64_t paid = (int64_t)(tick ? in_handler_ns : trap_cost + in_handler_ns);
    __atomic_sub_fetch(&earned, paid, __ATOMIC_RELAXED);
    tw_pace_spend(trap_cost + in_handler_ns);
}

void tw_pace_tick(void) {
    if (__atomic_add_fetch(&earned, TW_EVENTS_TICK / 1000 * TRAPS, __ATOMIC_RELAXED) > EARNED_MOST)
        __atomic_store_n(&earned, EARNED_MOST, __ATOMIC_RELAXED);
}

bool tw_pace_earned(void) {
    return __atomic_load_n(&earned, __ATOMIC_RELAXED) > 0;
}

bool tw_pace_due(uint64_t now) {
    bool often = __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED) >= LOOK_ASKED && look_every == LOOK_FIRST;
    return often || now >= last.wall_ns + look_every || tw_header->nthreads - last.births >= LOOK_BIRTHS;
}

static struct load load_now(uint64_t now) {
    struct rusage u;
    if (tw_sys(SYS_getrusage, RUSAGE_SELF, &u) != 0) return last;
    uint64_t us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    return (struct load){us * 1000, (uint64_t)u.ru_nvcsw, (uint64_t)u.ru_nivcsw, tw_header->nthreads, now};
}

/* What the kernel did at switches and births since the last look. */
static void spend_switches(const struct load *l, bool on) {
    uint64_t waits = l->waits - last.waits, turns = l->turns - last.turns;
    if (on) {
        uint64_t waiting = (waits * WAIT + (l->births - last.births) * BIRTH) * toggle_cost;
        spent_waiting += waiting;
        tw_pace_spend(waiting + turns * (anew ? TURN_ANEW : TURN) * toggle_cost);
        looked_until = l->wall_ns + LOOKED_FOR;
    } else if (last.wall_ns < looked_until && l->wall_ns > last.wall_ns) {
        uint64_t end = l->wall_ns < looked_until ? l->wall_ns : looked_until;
        double share = (double)(end - last.wall_ns) / (double)(l->wall_ns - last.wall_ns);
        tw_pace_spend((uint64_t)((double)((waits + turns) * toggle_cost / LOOKED_AT) * share));
    }
}

uint64_t tw_pace_owed(uint64_t now, bool on) {
    uint64_t before = tw_pace_now();
    struct load l = load_now(now);
    spend_switches(&l, on);
    last = l;
    __atomic_store_n(&asked, 0, __ATOMIC_RELAXED);
    tw_pace_spend(tw_pace_now() - before);
    uint64_t cpu = l.cpu_ns - begin.cpu_ns, need = spent * 1000 / SHARE;
    if (need <= cpu + (on ? DEBT : 0)) {
        if (cpu > BILL_LONG) tw_pace_paid(now);
        if (look_every < LOOK_LAST) look_every *= 2;
        return 0;
    }
    uint64_t wall = now > begin.wall_ns ? now - begin.wall_ns : 1;
    double rest = (double)(need - cpu) * (double)wall / (double)(cpu + 1);
    return rest < (double)REST_MOST ? (uint64_t)rest + 1 : REST_MOST;
}

bool tw_pace_waiting(void) {
    return spent_waiting > spent / 2;
}

void tw_pace_anew(void) {
    anew = true;
}

void tw_pace_paid(uint64_t now) {
    begin = last = load_now(now);
    look_every = LOOK_FIRST;
    asked = 0;
    spent_waiting = 0;
    __atomic_store_n(&spent, 0, __ATOMIC_RELAXED);
}

void tw_pace_forked(void) {
    earned = 0;
    spent = spent_waiting = looked_until = 0;
    anew = false;
}
