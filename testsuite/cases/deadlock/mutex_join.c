/* main joins a worker while it holds the lock that the worker needs. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg) {
    await(1);
    pthread_mutex_lock(&state); // EXPECT(deadlock): waits here
    pthread_mutex_unlock(&state);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_mutex_lock(&state); // EXPECT(deadlock): held here
    step(1);
    pthread_join(t, NULL); // EXPECT(deadlock): joins here
    pthread_mutex_unlock(&state);
    return 0;
}
