/*
 * races=sample: hardware watchpoints for programs that run for long, at a cost of some two percent and without touching
 * their code. Four addresses are watched at a time, in all threads; which ones changes all the time.
 *
 * A race is reported only when it was seen in the act: one thread has just accessed a byte and has not executed another
 * instruction since, and a second one accesses the same byte, one of them to write. Nothing can have ordered the two:
 * the first has done nothing after its access that could. (The method of DataCollider: Erickson, Musuvathi, Burckhardt,
 * Olynyk, Effective data-race detection for the kernel, OSDI 2010, with threads held at an access for a moment.)
 */
#ifndef TW_RACE_SAMPLE_H
#define TW_RACE_SAMPLE_H

#include <signal.h>

#include "sys.h"

extern TW_HIDDEN bool tw_sample_on;

/* In the wrapper of the first thread creation, outside the guard. take_traps puts tw_sample_trap in front of the
   program's handler of SIGTRAP. One line on stderr when it cannot be. */
void tw_sample_start(void (*take_traps)(void));
void tw_sample_forked(void);
/*
 * Before a call that may wait. Events cost something at every switch of threads: where these are many, sampling rests
 * most of the time, and since nothing ticks then, whoever waits looks whether it is over. Inside the guard or not.
 */
void tw_sample_waits(void);
static inline void tw_sample_wake(void) {
    if (TW_UNLIKELY(tw_sample_on)) tw_sample_waits();
}
/* In the handler of SIGTRAP. False: it is none of ours. Keeps errno. */
bool tw_sample_trap(const siginfo_t *info, void *ucontext);
/* One of the descriptors of the watchpoints: the program does not know it. The lowest of them from a number on, or -1. */
bool tw_sample_owns(int fd);
int64_t tw_sample_next_own(uint32_t from);
/* Nobody need have noticed that the watchpoints are gone: without them nothing ticks. One line on stderr then. */
void tw_sample_at_end(void);
/* Before exec: nothing is watched until the next look (exec may fail). Any context. */
void tw_sample_pause(void);

#endif
