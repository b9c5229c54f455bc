/*
 * A mutex that is taken is mostly given back before the thread could be put to sleep. So a thread that would publish
 * its wait and go to the kernel first leaves the mutex alone for a microsecond, and then for a few, and looks again
 * after each: that is cheaper than either, and what it waits for comes sooner, since the holder has the cache line to
 * itself. Where that did not help lately it is tried seldom (the idea of PTHREAD_MUTEX_ADAPTIVE_NP,
 * nptl/pthread_mutex_lock.c). Only at places where the thread has waited before, which are known: the acquisition is
 * counted there as contended.
 */
#ifndef TW_PATIENCE_H
#define TW_PATIENCE_H

#include "real.h"
#include "thread.h"

/* EBUSY: publish the wait. Else what pthread_mutex_trylock said at the last try. Outside the guard. */
int tw_patience(pthread_mutex_t *m, uintptr_t pc);
void tw_patience_init(void);

#endif
