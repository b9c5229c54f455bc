/* A lock destroyed and made again at the same address is a new lock. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t fixed = PTHREAD_MUTEX_INITIALIZER, renewed;

static void *first(void *arg) {
    pthread_mutex_lock(&fixed);
    pthread_mutex_lock(&renewed);
    pthread_mutex_unlock(&renewed);
    pthread_mutex_unlock(&fixed);
    pthread_mutex_destroy(&renewed);
    pthread_mutex_init(&renewed, NULL);
    step(1);
    return arg;
}

static void *second(void *arg) {
    await(1);
    pthread_mutex_lock(&renewed);
    pthread_mutex_lock(&fixed);
    pthread_mutex_unlock(&fixed);
    pthread_mutex_unlock(&renewed);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_mutex_init(&renewed, NULL);
    pthread_create(&t, NULL, first, NULL);
    pthread_create(&u, NULL, second, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
