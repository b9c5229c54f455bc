/* A reader asks for the write lock without giving back its read lock. */
// HANGS
#include <pthread.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

static void *reader(void *arg) {
    pthread_rwlock_rdlock(&table); // EXPECT(self-deadlock): held for reading
    pthread_rwlock_wrlock(&table); // EXPECT(self-deadlock): wanted for writing
    pthread_rwlock_unlock(&table);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, reader, NULL);
    pthread_join(t, NULL);
    return 0;
}
