/*
 * A lock of the program's own that is elided by hardware transactions where the processor has them, as InnoDB's are: the
 * functions that begin and end transactions take and release it, too.
 */
// FLAGS: -O2 -g -mrtm
// CLEAN
// RUN: 2
// RUN: 4
#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { ROUNDS = 20000, THREADS_MOST = 8 };

static int word, has_rtm;
static long counter, table[4];

static int has_transactions(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 11 & 1;
}

/* What is done under it is in other functions. */
static int __attribute__((noinline)) take(void) {
    if (has_rtm && _xbegin() == _XBEGIN_STARTED) {
        if (!__atomic_load_n(&word, __ATOMIC_RELAXED)) return 1;
        _xabort(0xff);
    }
    while (__sync_val_compare_and_swap(&word, 0, 1) != 0)
        sched_yield();
    return 0;
}

static void __attribute__((noinline)) give(int elided) {
    if (elided)
        _xend();
    else
        __sync_fetch_and_sub(&word, 1);
}

static void *run(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        int elided = take();
        counter++;
        table[i % 4] += counter;
        give(elided);
    }
    return arg;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 2;
    pthread_t t[THREADS_MOST];
    has_rtm = has_transactions();
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, run, NULL);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    return counter != (long)n * ROUNDS;
}
