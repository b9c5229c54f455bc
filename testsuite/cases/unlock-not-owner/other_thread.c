/* Taken by one thread, given back by another. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *taker(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(unlock-not-owner): taken here
    step(1);
    await(2);
    return arg;
}

static void *giver(void *arg) {
    await(1);
    pthread_mutex_unlock(&m); // EXPECT(unlock-not-owner): given back here
    step(2);
    return arg;
}

// OBJECT(unlock-not-owner): m
int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, taker, NULL);
    pthread_create(&u, NULL, giver, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
