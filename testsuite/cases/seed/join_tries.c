/* A thread that is asked for ten times and then left alone: given up as after a time limit. */
// ALLOW(daemon-killed)
// MESSAGE(join-timeout): tried 10 times to join
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *target(void *arg) {
    nap_ms(5000);
    return arg;
}

int main(void) {
    pthread_t t;
    int tries = 0;
    pthread_create(&t, NULL, target, NULL);
    while (tries < 10 && pthread_tryjoin_np(t, NULL)) { // EXPECT(join-timeout): tries
        tries++;
        nap_ms(2);
    }
    printf("%d tries\n", tries);
    return 0;
}
