/* The signal comes before the wait, but the waiter looks at the state first: nothing is lost. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static bool filled;

static void *producer(void *arg) {
    pthread_mutex_lock(&lock);
    filled = true;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&lock);
    step(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, producer, NULL);
    await(1);
    pthread_mutex_lock(&lock);
    while (!filled)
        pthread_cond_wait(&ready, &lock);
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    puts("got it");
    return 0;
}
