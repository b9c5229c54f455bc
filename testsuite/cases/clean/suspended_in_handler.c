/*
 * Collectors and virtual machines stop a thread in a signal handler, wherever it is, work in its stead and let it go on. The stopped thread must
 * not hold anything of the watching that others need. Another thread leaves its work by siglongjmp out of a handler.
 */
// CLEAN
// OPTIONS: races=on
// FLAGS: -O1 -g
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 800, CELLS = 4096 };

static sem_t stopped, going;
static atomic_int finished, release;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local sigjmp_buf back;
static _Thread_local volatile sig_atomic_t armed;
static atomic_int shared[CELLS];

static void stop(int signal_number) {
    (void)signal_number;
    int number = release;
    sem_post(&stopped);
    while (release == number)
        usleep(10);
    sem_post(&going);
}

static void jump(int signal_number) {
    (void)signal_number;
    if (armed) siglongjmp(back, 1);
}

/* New memory and atomic variables all the time: what the watching has to look up under locks of its own. */
static void churn(unsigned *seed) {
    int *p = malloc(256 * sizeof *p);
    for (unsigned i = 0; i < 256; i++) {
        *seed = *seed * 1103515245u + 12345u;
        p[i] = (int)*seed;
        shared[(*seed >> 8) % CELLS]++;
    }
    free(p);
}

static void *mutator(void *arg) {
    unsigned seed = 1;
    while (!finished) {
        churn(&seed);
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
    }
    return arg;
}

static void *jumper(void *arg) {
    volatile unsigned seed = 7;
    while (!finished) {
        if (sigsetjmp(back, 1) == 0) {
            armed = 1;
            for (unsigned i = 0; i < 2000; i++) {
                seed = seed * 1103515245u + 12345u;
                shared[(seed >> 8) % CELLS]++;
            }
        }
        armed = 0;
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
    }
    return arg;
}

int main(void) {
    pthread_t t, j;
    unsigned seed = 3;
    sem_init(&stopped, 0, 0);
    sem_init(&going, 0, 0);
    signal(SIGUSR1, stop);
    signal(SIGUSR2, jump);
    pthread_create(&t, NULL, mutator, NULL);
    pthread_create(&j, NULL, jumper, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_kill(j, SIGUSR2);
        pthread_kill(t, SIGUSR1);
        sem_wait(&stopped);
        for (int k = 0; k < 256; k++) {
            seed = seed * 1103515245u + 12345u;
            shared[(seed >> 8) % CELLS]++;
        }
        release++;
        sem_wait(&going);
    }
    finished = 1;
    pthread_join(t, NULL);
    pthread_join(j, NULL);
    return 0;
}
