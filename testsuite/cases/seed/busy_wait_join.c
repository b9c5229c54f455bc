/* Polling for the end of a thread with tryjoin. */
// ALLOW(join-timeout)
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *run(void *arg) {
    nap_ms(1700);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, run, NULL);
    while (pthread_tryjoin_np(t, NULL)) { // EXPECT(busy-wait): polls
    }
    puts("over");
    return 0;
}
