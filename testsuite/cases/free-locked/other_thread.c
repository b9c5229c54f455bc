/* Freed by one thread while another holds the lock. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

static pthread_rwlock_t *l;

static void *holder(void *arg) {
    pthread_rwlock_wrlock(l); // EXPECT(free-locked): taken here
    step(1);
    await(2);
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    l = malloc(sizeof *l);
    pthread_rwlock_init(l, NULL);
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    free(l); // EXPECT(free-locked): freed here
    step(2);
    pthread_join(t, NULL);
    return 0;
}
