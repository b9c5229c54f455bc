/* exit() called inside a critical section. */
#include <pthread.h>
#include <stdlib.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

static void *nothing(void *arg) {
    return arg;
}

static void fail(int status) {
    exit(status);
}

// EXIT: 4
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    pthread_rwlock_rdlock(&l); // EXPECT(lock-held-at-exit): taken here
    fail(4);
    return 0;
}
