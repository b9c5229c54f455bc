/* Locks in stack frames: the frame of the second call lies where the first one's lay. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t fixed = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void fixed_first(void) {
    pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&fixed);
    pthread_mutex_lock(&local);
    pthread_mutex_unlock(&local);
    pthread_mutex_unlock(&fixed);
}

static pthread_mutex_t *shared;

static __attribute__((noinline)) void local_first(void) {
    pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
    shared = &local;
    step(1);
    await(2);
}

static void *one(void *arg) {
    fixed_first();
    local_first();
    return arg;
}

static void *two(void *arg) {
    await(1);
    pthread_mutex_lock(shared);
    pthread_mutex_lock(&fixed);
    pthread_mutex_unlock(&fixed);
    pthread_mutex_unlock(shared);
    step(2);
    return arg;
}

// FLAGS: -O0 -g
int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
