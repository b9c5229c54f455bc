/*
 * The seed on join(timeout): of N threads joined in turn, main waits N times the timeout at worst, since each one's
 * time begins where the time of the one before ended.
 */
// ALLOW(daemon-killed)
#define _GNU_SOURCE
#include "step.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { N = 4 };

static void *target(void *arg) {
    nap_ms(20000);
    return arg;
}

int main(void) {
    pthread_t t[N];
    int late = 0;
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, target, NULL);
    for (int i = 0; i < N; i++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
        late += pthread_timedjoin_np(t[i], NULL, &until) == ETIMEDOUT; // EXPECT(join-timeout): gives up
    }
    printf("%d of %d still running\n", late, N);
    return 0;
}
