/* A write lock given back by a thread that does not hold it. */
// ALLOW(lock-held-at-thread-exit)
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

static void *taker(void *arg) {
    pthread_rwlock_wrlock(&l); // EXPECT(unlock-not-owner): taken here
    step(1);
    await(2);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, taker, NULL);
    await(1);
    pthread_rwlock_unlock(&l); // EXPECT(unlock-not-owner): given back here
    step(2);
    pthread_join(t, NULL);
    return 0;
}
