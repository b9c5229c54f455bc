/*
 * A lock of the program's own that is fought for: the thread that spins on it is its only user for so long that it is taken
 * for its owner, and the other one gives it back between the spinning thread's check and its operation.
 */
// FLAGS: -O2 -g
// CLEAN
// RUN: 2
// RUN: 2
// RUN: 2
// RUN: 3
// RUN: 3
// RUN: 3
// REPEAT: 20
#include <pthread.h>
#include <stdlib.h>

enum { ROUNDS = 200000, WORK = 1000, THREADS_MOST = 8 };

static int word;
static long counter;

static void lock(void) {
    while (__sync_val_compare_and_swap(&word, 0, 1) != 0)
        continue;
}

static void unlock(void) {
    __sync_fetch_and_sub(&word, 1);
}

static void *run(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        lock();
        counter++;
        for (volatile int work = 0; work < i % 2 * WORK; work++)
            continue;
        unlock();
    }
    return arg;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 2;
    pthread_t t[THREADS_MOST];
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, run, NULL);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    return counter != (long)n * ROUNDS;
}
