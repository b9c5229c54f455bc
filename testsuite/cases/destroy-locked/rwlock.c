/* A rwlock destroyed under a reader. */
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t l;

static void *reader(void *arg) {
    pthread_rwlock_rdlock(&l); // EXPECT(destroy-locked): taken here
    step(1);
    await(2);
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_rwlock_init(&l, NULL);
    pthread_create(&t, NULL, reader, NULL);
    await(1);
    pthread_rwlock_destroy(&l); // EXPECT(destroy-locked): destroyed here
    step(2);
    pthread_join(t, NULL);
    return 0;
}
