/* A robust mutex is made to outlive its owner: the next one gets EOWNERDEAD and makes it consistent. */
// CLEAN
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t m;

static void *die(void *arg) {
    pthread_mutex_lock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&m, &attr);
    pthread_create(&t, NULL, die, NULL);
    pthread_join(t, NULL);
    if (pthread_mutex_lock(&m) != EOWNERDEAD) return 1;
    pthread_mutex_consistent(&m);
    pthread_mutex_unlock(&m);
    return pthread_mutex_destroy(&m);
}
