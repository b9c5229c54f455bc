/* A try now and then, with something done in between, is no busy waiting. */
// CLEAN
// ALLOW(join-timeout)
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *arg) {
    pthread_mutex_lock(&lock);
    step(1);
    nap_ms(100);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, run, NULL);
    await(1);
    while (pthread_mutex_trylock(&lock))
        nap_ms(5);
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    puts("over");
    return 0;
}
