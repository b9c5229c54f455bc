/* Timed joins that give up are no joins. */
// CLEAN
// ALLOW(join-timeout)
#define _GNU_SOURCE
#include "step.h"
#include <errno.h>
#include <pthread.h>
#include <time.h>

static void *work(void *arg) {
    await(1);
    return arg;
}

int main(void) {
    pthread_t t;
    struct timespec limit;
    pthread_create(&t, NULL, work, NULL);
    clock_gettime(CLOCK_REALTIME, &limit);
    int early = pthread_tryjoin_np(t, NULL), timed = pthread_timedjoin_np(t, NULL, &limit);
    step(1);
    limit.tv_sec += 10;
    return early == EBUSY && timed == ETIMEDOUT ? pthread_timedjoin_np(t, NULL, &limit) : 1;
}
