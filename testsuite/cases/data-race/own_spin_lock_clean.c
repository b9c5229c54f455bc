/* A spin lock of the program's own, taken by compare-and-swap and given back by a plain store behind a fence (as nginx
 * has it) or by a release store, orders what it protects from its first use on. */
// CLEAN
// ALLOW(busy-wait)
// MATRIX
// RUN: plain 2 20
// RUN: plain 3 2000
// RUN: plain 4 1
// RUN: release 2 20
// RUN: release 4 2000
// RUN: xchg 4 200
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8 };

static struct {
    volatile unsigned long lock;
    long counter, pad[6];
} shared;
static long *heap_counter;
static int rounds, plain, xchg;

static int taken(void) {
    if (xchg) return __atomic_exchange_n(&shared.lock, 1, __ATOMIC_SEQ_CST) == 0;
    return __sync_bool_compare_and_swap(&shared.lock, 0, 1);
}

static void take(void) {
    for (;;) {
        if (shared.lock == 0 && taken()) return;
        for (int n = 1; n < 64; n <<= 1) {
            for (int i = 0; i < n; i++)
                __builtin_ia32_pause();
            if (shared.lock == 0 && taken()) return;
        }
        sched_yield();
    }
}

static void give(void) {
    if (plain) {
        __asm__ volatile("" ::: "memory");
        shared.lock = 0;
    } else {
        __atomic_store_n(&shared.lock, 0, __ATOMIC_RELEASE);
    }
}

static void *work(void *arg) {
    for (int i = 0; i < rounds; i++) {
        take();
        shared.counter++;
        ++*heap_counter;
        give();
    }
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t[MOST];
    int threads = argc > 2 ? atoi(argv[2]) : 2;
    rounds = argc > 3 ? atoi(argv[3]) : 100;
    plain = argc < 2 || strcmp(argv[1], "plain") == 0;
    xchg = argc > 1 && strcmp(argv[1], "xchg") == 0;
    if (threads < 1 || threads > MOST || !(heap_counter = calloc(1, sizeof *heap_counter))) return 2;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&t[i], NULL, work, NULL) != 0) return 2;
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    long want = (long)threads * rounds, got = shared.counter;
    int good = got == want && *heap_counter == want;
    free(heap_counter);
    return !good;
}
