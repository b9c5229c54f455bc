/* The signal comes before the wait, and the wait does not look whether there is anything to wait for. */
// HANGS
// ALLOW(stall)
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;

static void *producer(void *arg) {
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&ready); // EXPECT(lost-wakeup): nobody there
    pthread_mutex_unlock(&lock);
    step(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, producer, NULL);
    await(1);
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&ready, &lock); // EXPECT(lost-wakeup): waits for ever
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    puts("never");
    return 0;
}
