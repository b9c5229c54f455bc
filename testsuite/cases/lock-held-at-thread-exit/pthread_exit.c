/* pthread_exit from a helper while the caller holds a rwlock. */
// ALLOW(lock-held-at-exit)
#include <pthread.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

static void give_up(void) {
    pthread_exit(NULL);
}

static void *work(void *arg) {
    pthread_rwlock_wrlock(&l); // EXPECT(lock-held-at-thread-exit): taken here
    give_up();
    pthread_rwlock_unlock(&l);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
