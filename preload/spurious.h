/*
 * spurious_wakeups=on: the first wait at every place returns at once, as POSIX allows at any time (pthread_cond_wait,
 * "spurious wakeups"), without the mutex having been given back. Nothing can have changed meanwhile what the mutex
 * protects: a thread that waits in a loop waits again before it gives the mutex back, and one that does not has acted
 * on a wake-up without checking.
 */
#ifndef TW_SPURIOUS_H
#define TW_SPURIOUS_H

#include "thread.h"

struct tw_cond_wait;

/* Inside the guard, the mutex still in the held set. True: this wait shall return at once. Also notes whether an
 * earlier such return was answered by this wait. */
bool tw_spurious_wait(struct tw_thread *t, const struct tw_cond_wait *w);
/* What has not been decided yet: of a thread that ends, inside the guard; of all when the process ends. */
void tw_spurious_thread_ended(struct tw_thread *t);
void tw_spurious_at_end(void);

#endif
