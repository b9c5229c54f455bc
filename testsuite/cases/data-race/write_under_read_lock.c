/* A counter is written under a rwlock that is held for reading only. */
#include <pthread.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static unsigned hits;

static void *lookup(void *arg) {
    for (int i = 0; i < 100; i++) {
        pthread_rwlock_rdlock(&l);
        hits++; // EXPECT(data-race): written under a read lock
        pthread_rwlock_unlock(&l);
    }
    return arg;
}

// OBJECT(data-race): hits
int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, lookup, NULL);
    pthread_create(&u, NULL, lookup, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
