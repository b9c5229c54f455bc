/* A thread that is asked for with a short time limit, again and again, until it has ended: nobody gave up. */
// CLEAN
#define _GNU_SOURCE
#include "step.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *target(void *arg) {
    nap_ms(120);
    return arg;
}

int main(void) {
    pthread_t t;
    int rc;
    pthread_create(&t, NULL, target, NULL);
    do {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        rc = pthread_timedjoin_np(t, NULL, &until);
    } while (rc == ETIMEDOUT);
    puts(rc ? "?" : "joined");
    return 0;
}
