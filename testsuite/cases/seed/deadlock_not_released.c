/* A caller that ends with the resource in its hands: the next one waits for a thread that is no more. */
// HANGS
// EXPECT(lock-held-at-thread-exit)
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t resource = PTHREAD_MUTEX_INITIALIZER;

static void *forgetful(void *arg) {
    pthread_mutex_lock(&resource); // EXPECT(lock-held-at-thread-exit): never given back
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, forgetful, NULL);
    pthread_join(t, NULL);
    pthread_mutex_lock(&resource); // EXPECT(stall): waits for ever
    puts("never");
    return 0;
}
