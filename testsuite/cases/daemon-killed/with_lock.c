/* The thread held a lock when the process ended under it. */
// ALLOW(lock-held-at-exit)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t file = PTHREAD_MUTEX_INITIALIZER;

static void *writer(void *arg) {
    pthread_mutex_lock(&file); // EXPECT(daemon-killed): taken here
    step(1);
    for (;;)
        nap_ms(5);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, writer, NULL);
    pthread_detach(t);
    await(1);
    return 0;
}
