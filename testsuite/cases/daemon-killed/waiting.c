/* A worker waits in a queue that nobody shuts when main returns. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *worker(void *arg) {
    pthread_mutex_lock(&m);
    step(1);
    for (;;)
        pthread_cond_wait(&c, &m); // EXPECT(daemon-killed): waits here
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    await(1);
    nap_ms(100);
    return 0;
}
