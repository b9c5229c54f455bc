/* A join while holding the lock that the joined thread needs to end: neither ever goes on. */
// HANGS
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *target(void *arg) {
    await(1);
    pthread_mutex_lock(&lock); // EXPECT(deadlock): waits for the lock
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, target, NULL);
    pthread_mutex_lock(&lock);
    step(1);
    pthread_join(t, NULL); // EXPECT(deadlock): waits for the thread
    pthread_mutex_unlock(&lock);
    puts("never");
    return 0;
}
