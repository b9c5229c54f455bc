/* A daemon thread that waits when the process ends: the report says for what. */
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t work;

static void *worker(void *arg) {
    (void)arg;
    step(1);
    while (1)
        sem_wait(&work); // EXPECT(daemon-killed): waits
    return NULL;
}

int main(void) {
    pthread_t t;
    sem_init(&work, 0, 0);
    pthread_create(&t, NULL, worker, NULL);
    pthread_detach(t);
    await(1);
    sem_post(&work);
    nap_ms(50);
    puts("main thread end");
    return 0;
}
