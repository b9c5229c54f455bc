/* A thread ended with the lock; the next one waits for ever. */
// HANGS
// ALLOW(lock-held-at-thread-exit)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *careless(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(stall): taken here
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, careless, NULL);
    pthread_join(t, NULL);
    pthread_mutex_lock(&m); // EXPECT(stall): waits here
    pthread_mutex_unlock(&m);
    return 0;
}
