/* A reader that ended without giving back keeps the writer out. */
// HANGS
// ALLOW(lock-held-at-thread-exit)
#include <pthread.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

static void *reader(void *arg) {
    pthread_rwlock_rdlock(&l); // EXPECT(stall): read lock taken here
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, reader, NULL);
    pthread_join(t, NULL);
    pthread_rwlock_wrlock(&l); // EXPECT(stall): waits here
    pthread_rwlock_unlock(&l);
    return 0;
}
