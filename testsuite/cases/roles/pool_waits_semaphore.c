/* A pool at a semaphore: sixty tasks at once, three workers, 10 ms each; a task waits 100 ms on average. */
// CLEAN
// ROLE(pools): name=worker, size=3, queue_wait=estimated, queued>=50, queue_wait_mean_ns>=60000000
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

enum { WORKERS = 3, TASKS = 60 };
static sem_t tasks;
static _Atomic int left = TASKS, came;

static void *worker(void *arg) {
    came++;
    for (;;) {
        sem_wait(&tasks);
        if (--left < 0) return arg;
        nap_ms(10);
    }
}

int main(void) {
    pthread_t t[WORKERS];
    sem_init(&tasks, 0, 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    while (came < WORKERS)
        nap_ms(10);
    nap_ms(20);
    for (int i = 0; i < TASKS + WORKERS; i++)
        sem_post(&tasks);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
