/* Every type of mutex, taken and given back by its rules. */
// CLEAN
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t locks[5];
static const int types[5] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
        PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_NORMAL};

static void *work(void *arg) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_t *m = &locks[i % 5];
        if (i % 3 || pthread_mutex_trylock(m)) pthread_mutex_lock(m);
        pthread_mutex_unlock(m);
    }
    return arg;
}

int main(void) {
    pthread_t t[3];
    for (int i = 0; i < 5; i++) {
        pthread_mutexattr_t attr;
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_settype(&attr, types[i]);
        if (i == 4) pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&locks[i], &attr);
        pthread_mutexattr_destroy(&attr);
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 5; i++)
        pthread_mutex_destroy(&locks[i]);
    return 0;
}
