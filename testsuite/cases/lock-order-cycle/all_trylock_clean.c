/* Both sides only ever try for the second lock. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void both(pthread_mutex_t *x, pthread_mutex_t *y) {
    pthread_mutex_lock(x);
    if (pthread_mutex_trylock(y) == 0) pthread_mutex_unlock(y);
    pthread_mutex_unlock(x);
}

static void *ab(void *arg) {
    both(&a, &b);
    step(1);
    return arg;
}

static void *ba(void *arg) {
    await(1);
    both(&b, &a);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, ab, NULL);
    pthread_create(&u, NULL, ba, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
