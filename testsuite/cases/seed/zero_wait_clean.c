/* Asking without waiting, and doing something else in between: no busy waiting. */
// CLEAN
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

static sem_t none;
static _Atomic int over;

static void *run(void *arg) {
    nap_ms(1500);
    over = 1;
    return arg;
}

int main(void) {
    const struct timespec past = {1, 0};
    pthread_t t;
    sem_init(&none, 0, 0);
    pthread_create(&t, NULL, run, NULL);
    while (!over) {
        if (sem_timedwait(&none, &past) == 0) return 1;
        nap_ms(1);
    }
    pthread_join(t, NULL);
    puts("over");
    return 0;
}
