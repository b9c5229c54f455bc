/* The block with the lock in it is freed without a destroy, and the next block of that size comes back at its address.
 */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t fixed = PTHREAD_MUTEX_INITIALIZER;
static const pthread_mutex_t pattern = PTHREAD_MUTEX_INITIALIZER;
enum { SIZE = 96 };
static void *block;

static pthread_mutex_t *fresh(void) {
    block = malloc(SIZE);
    *(pthread_mutex_t *)block = pattern;
    return block;
}

static void *first(void *arg) {
    pthread_mutex_t *m = fresh();
    pthread_mutex_lock(&fixed);
    pthread_mutex_lock(m);
    pthread_mutex_unlock(m);
    pthread_mutex_unlock(&fixed);
    free(m);
    m = fresh();
    step(1);
    return arg;
}

static void *second(void *arg) {
    await(1);
    pthread_mutex_t *m = block;
    pthread_mutex_lock(m);
    pthread_mutex_lock(&fixed);
    pthread_mutex_unlock(&fixed);
    pthread_mutex_unlock(m);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, first, NULL);
    pthread_create(&u, NULL, second, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    free(block);
    return 0;
}
