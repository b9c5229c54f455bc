/* Lock dependencies: "took B while holding A", each distinct one once with a count (UNDEAD, Zhou et al., ASE 2017). Inside the guard; only the calling thread's table is touched. */
#ifndef TW_DEPS_H
#define TW_DEPS_H

#include "thread.h"

/* The lock in `inner` (not yet in the held array) was taken while the held array is not empty. Captures its stack if it is a new dependency. */
void tw_deps_record(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa);
/* The thread ended: its table may serve another thread. */
void tw_deps_release(struct tw_thread *t);
/* In the child of a fork: free tables still write into the parent's record, which is unmapped here. */
void tw_deps_forked(void);
#endif
