/* The search for threads that will wait for ever; see detect.c. Inside the guard. */
#ifndef TW_DETECT_H
#define TW_DETECT_H

#include "thread.h"

/* Threads that wait without a limit, for something that only a thread of this process can give. */
extern uint32_t tw_detect_blocked;

/* The semaphore whose waiters were given a permit last: whoever it wakes may not have run yet. A hint, no more. */
extern uintptr_t tw_detect_posted;

/* The caller has published a wait and is about to block: does that leave somebody waiting for ever? Returns after
 * nanoseconds if not; acts as on_deadlock says if so. */
void tw_detect_wait(struct tw_thread *t);
/* The caller has published its end. */
void tw_detect_thread_ended(struct tw_thread *t);
void tw_detect_forked(void);

#endif
