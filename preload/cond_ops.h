/* What the wrappers of pthread_cond_* and cnd_* share (cond.c). Every function enters the guard by itself. */
#ifndef TW_COND_OPS_H
#define TW_COND_OPS_H

#include "cond.h"
#include "ops.h"

/* One wait. `rc` starts as what a cancelled wait ends with; the wrapper stores the real call's answer in it. */
struct tw_cond_wait {
    pthread_cond_t *cond;
    pthread_mutex_t *mutex;
    uintptr_t pc, cfa;
    bool timed;
    bool spurious; /* the real call is left out: see spurious.h */
    bool took;     /* the mutex was in the held set */
    int rc;
    struct twatch_use
            *use; /* NULL: the wait was not published. After the wait the condition variable itself may be gone. */
    struct tw_cond_side *side;
    uint32_t object;
    struct twatch_held saved;
};
#define TW_COND_CANCELLED ECANCELED

/* until: of a timed wait, in time of that clock; NULL: without a limit. */
void tw_cond_wait_begin(struct tw_cond_wait *w, clockid_t clock, const struct timespec *until);
/* A cleanup handler: runs on return and on unwinding (the file that uses it is compiled with -fexceptions). */
void tw_cond_wait_over(struct tw_cond_wait *w);
void tw_cond_signalled(pthread_cond_t *c, bool all, uintptr_t pc, uintptr_t cfa);
void tw_cond_initialising(
        pthread_cond_t *c, uintptr_t pc, uintptr_t cfa); /* before the real call: what was there may be in use */
void tw_cond_initialised(pthread_cond_t *c, uint16_t oflags, uintptr_t pc, uintptr_t cfa);
void tw_cond_destroying(pthread_cond_t *c, uintptr_t pc, uintptr_t cfa);
/* The clock of a condition variable's time limits. */
static inline clockid_t tw_cond_clock(const pthread_cond_t *c) {
    return __atomic_load_n(&c->__data.__wrefs, __ATOMIC_RELAXED) & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

#endif
