/* pthread_once and call_once under watch, which differ only in their types. */
#ifndef TW_ONCE_H
#define TW_ONCE_H

#include "ops.h"

/* One call; lives on the caller's stack. The init routine takes no argument: tw_once_run finds its call through the
 * thread. */
struct tw_once_call {
    int *control; /* glibc: 0 not run, bit 0 running, bit 1 done */
    void (*routine)(void);
    uintptr_t pc, cfa;
    struct tw_once_call *outer;
    bool waiting, running;
};
static inline bool tw_once_done(const int *control) {
    return __atomic_load_n(control, __ATOMIC_ACQUIRE) & 2;
}

/* Around the real call, which is given tw_once_run as its routine. _end is a cleanup handler: the routine may throw or
 * be cancelled. */
void tw_once_begin(struct tw_once_call *c);
void tw_once_run(void);
void tw_once_end(struct tw_once_call *c);
/* The fast case: it was done before. */
void tw_once_passed(const int *control);

#endif
