/* A thread that is asked for until it has ended, and one that is asked for and joined later: nobody gave up. */
// CLEAN
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *target(void *arg) {
    nap_ms(20);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, target, NULL);
    pthread_create(&b, NULL, target, NULL);
    for (int i = 0; i < 3; i++)
        if (!pthread_tryjoin_np(b, NULL)) return 1;
    while (pthread_tryjoin_np(a, NULL))
        nap_ms(2);
    pthread_join(b, NULL);
    puts("both ended");
    return 0;
}
