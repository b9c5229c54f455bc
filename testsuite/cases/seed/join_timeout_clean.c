/* A join with a time limit that is met. */
// CLEAN
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *target(void *arg) {
    nap_ms(20);
    return arg;
}

int main(void) {
    pthread_t t[3];
    struct timespec until;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, target, NULL);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 10; /* one limit for all of them, and not one each */
    for (int i = 0; i < 3; i++)
        if (pthread_clockjoin_np(t[i], NULL, CLOCK_MONOTONIC, &until)) return 1;
    puts("all ended");
    return 0;
}
