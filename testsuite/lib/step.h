/*
 * Order between the threads of a case, forced by a polled counter: no lock, no condition variable and no join is
 * involved, so a wrong form shows in every run and a clean one is not made clean by the forcing. The sleeps keep the
 * poll from being a busy loop.
 */
#ifndef TESTSUITE_STEP_H
#define TESTSUITE_STEP_H

#include <unistd.h>

#ifdef __cplusplus
#include <atomic>
static std::atomic<int> step_now;
#else
#include <stdatomic.h>
static _Atomic int step_now;
#endif

static inline void nap_ms(unsigned milliseconds) {
    usleep(milliseconds * 1000);
}

/* The program has come to step n. */
static inline void step(int n) {
    step_now = n;
}

/* Another thread has come one step further. */
static inline void step_next(void) {
    step_now++;
}

/* Wait until the program has come to step n. */
static inline void await(int n) {
    while (step_now < n)
        usleep(300);
}

#endif
