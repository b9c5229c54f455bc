/* Condition variables, version GLIBC_2.3.2. A wait is a cancellation point: what was recorded for it is undone by a
 * cleanup handler. */
#include "cond_ops.h"

#define WAITING __attribute__((cleanup(tw_cond_wait_over))) struct tw_cond_wait

TW_EXPORT int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m) {
    WAITING w = {.cond = c, .mutex = m, .pc = TW_CALLER, .cfa = TW_CFA, .rc = TW_COND_CANCELLED};
    tw_cond_wait_begin(&w, CLOCK_REALTIME, NULL);
    w.rc = TW_UNLIKELY(w.spurious) ? 0 : TW_REAL(pthread_cond_wait)(c, m);
    return w.rc;
}

TW_EXPORT int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until) {
    WAITING w = {.cond = c, .mutex = m, .pc = TW_CALLER, .cfa = TW_CFA, .timed = true, .rc = TW_COND_CANCELLED};
    tw_cond_wait_begin(&w, tw_cond_clock(c), until);
    w.rc = TW_REAL(pthread_cond_timedwait)(c, m, until);
    return w.rc;
}

TW_EXPORT int pthread_cond_clockwait(
        pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *until) {
    WAITING w = {.cond = c, .mutex = m, .pc = TW_CALLER, .cfa = TW_CFA, .timed = true, .rc = TW_COND_CANCELLED};
    tw_cond_wait_begin(&w, clock, until);
    w.rc = TW_REAL(pthread_cond_clockwait)(c, m, clock, until);
    return w.rc;
}

/* The signal is recorded before it is sent: whoever it wakes may record sooner than this thread otherwise. */

TW_EXPORT int pthread_cond_signal(pthread_cond_t *c) {
    tw_cond_signalled(c, false, TW_CALLER, TW_CFA);
    return TW_REAL(pthread_cond_signal)(c);
}

TW_EXPORT int pthread_cond_broadcast(pthread_cond_t *c) {
    tw_cond_signalled(c, true, TW_CALLER, TW_CFA);
    return TW_REAL(pthread_cond_broadcast)(c);
}

TW_EXPORT int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_cond_initialising(c, pc, cfa);
    int rc = TW_REAL(pthread_cond_init)(c, attr);
    if (rc == 0) tw_cond_initialised(c, 0, pc, cfa);
    return rc;
}

TW_EXPORT int pthread_cond_destroy(pthread_cond_t *c) {
    tw_cond_destroying(c, TW_CALLER, TW_CFA);
    return TW_REAL(pthread_cond_destroy)(c);
}
