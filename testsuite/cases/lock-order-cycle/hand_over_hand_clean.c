/* A walk that releases behind itself, against the reverse link from the end: one walker cannot hang. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;

static void *walk(void *arg) {
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&a);
    pthread_mutex_lock(&c);
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&c);
    step(1);
    return arg;
}

static void *wrap(void *arg) {
    await(1);
    pthread_mutex_lock(&c);
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&c);
    pthread_mutex_unlock(&a);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, walk, NULL);
    pthread_create(&u, NULL, wrap, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
