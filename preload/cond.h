/* What is known of a condition variable beyond its object: who waits, and the last signal that reached nobody. */
#ifndef TW_COND_H
#define TW_COND_H

#include "thread.h"

enum { TW_COND_MUTEXES = 4, TW_COND_SIGNALLED = 4 };

struct tw_cond_side {
    struct tw_lock lock;
    uint32_t waiters;                            /* inside the wait call */
    uint32_t woken;                              /* of those, the ones that a signal was for */
    uint32_t mutex;                              /* object id of the mutex that the waiters gave back */
    uint32_t mutexes[TW_COND_MUTEXES], nmutexes; /* distinct ones ever used */
    /* Last signal, if it reached nobody: thread id and stack id in one word, so that storing it takes no lock; 0: it
       reached somebody, or there was none. */
    uint64_t lost;
    uintptr_t lost_pc; /* its call site: the same thread at the same place need not find its stack again */
    struct twatch_queue *queue;            /* NULL: not yet */
    uint64_t signalled[TW_COND_SIGNALLED]; /* when the signals came whose waiters are on their way, the oldest first */
    uint32_t nsignalled;                   /* more than there is room for are not measured */
};

/* True when the last signal or broadcast on this condition variable reached nobody: it came before whoever waits now.
   Inside the guard. */
bool tw_cond_lost_signal(uint32_t object, uint32_t *thread, uint32_t *stack);

#endif
