/* Priority-inheriting, robust and process-shared mutexes, alone and together; trylock on each. */
// CLEAN
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t locks[8];
static int n[8];

static void *work(void *arg) {
    for (int i = 0; i < 800; i++) {
        int k = i % 8, tried = i % 5 == 0 ? pthread_mutex_trylock(&locks[k]) : EBUSY;
        if (tried) pthread_mutex_lock(&locks[k]);
        n[k]++;
        pthread_mutex_unlock(&locks[k]);
    }
    return arg;
}

int main(void) {
    pthread_t t[3];
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        pthread_mutexattr_t attr;
        pthread_mutexattr_init(&attr);
        if (i & 1) pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
        if (i & 2) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
        if (i & 4) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
        pthread_mutex_init(&locks[i], &attr);
        pthread_mutexattr_destroy(&attr);
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 8; i++)
        sum += n[i] + pthread_mutex_destroy(&locks[i]);
    return sum == 2400 ? 0 : 1;
}
