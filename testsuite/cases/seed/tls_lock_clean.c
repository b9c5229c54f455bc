/* Every thread has a lock of its own and lends it to another, which gives it back. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static __thread pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *theirs;

static void *owner(void *arg) {
    pthread_mutex_lock(&mine);
    pthread_mutex_unlock(&mine);
    theirs = &mine;
    step(1);
    await(2);
    return arg;
}

static void *other(void *arg) {
    await(1);
    pthread_mutex_lock(theirs);
    pthread_mutex_unlock(theirs);
    step(2);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, owner, NULL);
    pthread_create(&b, NULL, other, NULL);
    pthread_join(b, NULL);
    pthread_join(a, NULL);
    puts("given back");
    return 0;
}
