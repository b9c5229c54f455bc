/* A rwlock used rightly, with a trylock and a timed lock among the accesses. */
// CLEAN
#include <pthread.h>
#include <time.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static int values[16], misses;

static void *reader(void *arg) {
    int n = 0;
    for (int i = 0; i < 300; i++) {
        if (i % 3 || pthread_rwlock_tryrdlock(&l)) pthread_rwlock_rdlock(&l);
        n += values[i % 16];
        pthread_rwlock_unlock(&l);
    }
    return n == -1 ? arg : NULL;
}

static void *writer(void *arg) {
    for (int i = 0; i < 300; i++) {
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_sec += 5;
        if (pthread_rwlock_trywrlock(&l) && pthread_rwlock_timedwrlock(&l, &limit)) return arg;
        values[i % 16]++;
        misses += values[0] == 0;
        pthread_rwlock_unlock(&l);
    }
    return arg;
}

int main(void) {
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, i % 2 ? writer : reader, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    return 0;
}
