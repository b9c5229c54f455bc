/* The address of a thread-local given to another thread: it is not the other's own, and nothing orders the two. */
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static __thread int mine;
static int *_Atomic published;

static void *owner(void *arg) {
    mine = 1; // EXPECT(data-race): the owner's write
    __atomic_store_n(&published, &mine, __ATOMIC_RELAXED);
    await(1);
    nap_ms(20);
    return arg;
}

static void *other(void *arg) {
    int *p;
    while (!(p = __atomic_load_n(&published, __ATOMIC_RELAXED)))
        nap_ms(1);
    *p = 2; // EXPECT(data-race): the other thread's write
    step(1);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, owner, NULL);
    pthread_create(&b, NULL, other, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    puts("done");
    return 0;
}
