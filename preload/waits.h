/*
 * Waiting: what a thread publishes before it blocks, and the search for threads that will wait for ever (detect.c). Only called on the slow path, after a try
 * has failed. Inside the guard, which the caller leaves before the real blocking call.
 */
#ifndef TW_WAITS_H
#define TW_WAITS_H

#include "held.h"

struct tw_wait {
    uint8_t kind, mode;      /* enum twatch_object_kind (THREAD for a join), enum twatch_mode wanted */
    uint16_t flags;          /* enum twatch_wait_flags */
    bool passing;            /* it should pass at once: published for others to see, but no circle is looked for */
    uint32_t object;         /* object id; 0 unknown */
    uint32_t mutex;          /* cond: object id of the mutex given back */
    uint32_t thread;         /* join: thread id waited for */
    uintptr_t address;
    uintptr_t pc, cfa;
    uint64_t deadline_ns;    /* CLOCK_MONOTONIC; 0 none or unknown */
};

/* Publishes the wait, looks for a self-deadlock and for a circle that this wait closes, acts as on_deadlock says. */
void tw_wait_begin(struct tw_thread *t, const struct tw_wait *w);
/* The wait is over. `got` says whether what was waited for was acquired. Returns nanoseconds waited and adds them to the statistics (tw_stat_of, tw_use_of). */
uint64_t tw_wait_end(struct tw_thread *t, bool got);
/* An event after which nobody may be left to wake the others: a thread ended (called from tw_thread_end). */
void tw_wait_thread_ended(struct tw_thread *t);
/* A failed try, an expired zero-time wait, sched_yield or pthread_kill(0): counted per site for busy-wait (kind: enum twatch_poll). */
enum twatch_poll { TWATCH_POLL_TRYLOCK = 1, TWATCH_POLL_TRYJOIN, TWATCH_POLL_SEM, TWATCH_POLL_YIELD, TWATCH_POLL_KILL0, TWATCH_POLL_ZERO_WAIT, TWATCH_POLL_ASK };
void tw_wait_poll(struct tw_thread *t, uint32_t object, uint32_t poll_kind, uintptr_t pc, uintptr_t cfa);
/* The wait that has just ended, in vain, had a time limit that lay in the past when it began: it was a poll. */
void tw_wait_zero(struct tw_thread *t, const struct twatch_slot *s);
/* A join with a time limit is over. `waited_ns`: of one that gave up. Python's joins are seen here, too. */
void tw_wait_joined(struct tw_thread *t, uint32_t joined, uint32_t stack, uint64_t waited_ns, bool gave_up);
/* A lock was taken only to ask how other threads are doing (TWATCH_STACK_ASKS). */
void tw_wait_asked(struct tw_thread *t, uint32_t object, uint32_t stack);
/* Locks that this thread got by trying, in a Python program: a stream's for a line that is printed, among others. They are no sign of work. */
extern TW_HIDDEN __thread uint32_t tw_wait_tries __attribute__((tls_model("initial-exec")));
void tw_waits_init(void);
void tw_waits_forked(void);

#endif
