/* The address of a thread's own lock reaches another thread, which keeps it. Without a look at memory, too, it is said whose it is. */
// OPTIONS: races=off
// OBJECT(lock-held-at-thread-exit): mine, thread-local of thread 2 (owner)
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static __thread pthread_mutex_t mine = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *theirs;

static void *owner(void *arg) {
    theirs = &mine;
    step(1);
    await(2);
    return arg;
}

static void *other(void *arg) {
    await(1);
    pthread_mutex_lock(theirs); // EXPECT(lock-held-at-thread-exit): taken
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, owner, NULL);
    pthread_create(&b, NULL, other, NULL);
    pthread_join(b, NULL);
    step(2);
    pthread_join(a, NULL);
    puts("kept");
    return 0;
}
