/* The same in a detached thread. */
// ALLOW(lock-held-at-exit)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(lock-held-at-thread-exit): taken here
    step(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_detach(t);
    await(1);
    nap_ms(100);
    return 0;
}
