/* A thread cancelled in a sleep, without a cleanup handler. */
// ALLOW(lock-held-at-exit)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(lock-held-at-thread-exit): taken here
    step(1);
    sleep(100);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    await(1);
    pthread_cancel(t);
    pthread_join(t, NULL);
    return 0;
}
