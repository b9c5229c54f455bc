/* Destroyed while its owner is still inside. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m;

static void *owner(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(destroy-locked): taken here
    step(1);
    await(2);
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_mutex_init(&m, NULL);
    pthread_create(&t, NULL, owner, NULL);
    await(1);
    pthread_mutex_destroy(&m); // EXPECT(destroy-locked): destroyed here
    step(2);
    pthread_join(t, NULL);
    return 0;
}
