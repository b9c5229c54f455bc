/*
 * Threads are cancelled in a signal handler over a cancellation point, or while they are asynchronously cancellable: at any instruction, so also
 * while an access is looked at. They must not take anything of the watching with them that the others need.
 */
// CLEAN
// OPTIONS: races=on
// FLAGS: -O1 -g
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { ROUNDS = 400, THREADS = 4, CELLS = 4096 };

static atomic_int shared[CELLS];
static atomic_uint seed;
static atomic_int ready;

static void churn(int count) {
    unsigned s = seed++ * 2654435761u;
    for (int i = 0; i < count; i++) {
        s = s * 1103515245u + 12345u;
        shared[(s >> 8) % CELLS]++;
    }
}

static void handler(int signal_number) {
    (void)signal_number;
    churn(2000);
}

static void *waiter(void *arg) {
    ready++;
    for (;;)
        pause();
    return arg;
}

static void *runner(void *arg) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    ready++;
    for (;;)
        churn(1000);
    return arg;
}

int main(void) {
    signal(SIGUSR1, handler);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t t[THREADS];
        ready = 0;
        for (int i = 0; i < THREADS; i++)
            pthread_create(&t[i], NULL, i % 2 ? waiter : runner, NULL);
        while (ready < THREADS)
            usleep(20);
        for (int i = 0; i < THREADS; i++) {
            if (i % 2) pthread_kill(t[i], SIGUSR1);
            churn(50);
            pthread_cancel(t[i]);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
    }
    return 0;
}
