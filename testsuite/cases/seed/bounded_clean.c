/* The seed's BoundedSemaphore(5): twenty threads, of which five work at a time, and each gives its own permit back. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t permits;
static _Atomic int inside, most;

static void *run(void *arg) {
    sem_wait(&permits);
    int now = ++inside;
    if (now > most) most = now;
    nap_ms(5);
    inside--;
    sem_post(&permits);
    return arg;
}

int main(void) {
    pthread_t t[20];
    sem_init(&permits, 0, 5);
    for (int i = 0; i < 20; i++)
        pthread_create(&t[i], NULL, run, NULL);
    for (int i = 0; i < 20; i++)
        pthread_join(t[i], NULL);
    printf("%s\n", most <= 5 ? "never more than five" : "too many");
    return 0;
}
