/* Initialised again while another thread holds it. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m;

static void *holder(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(reinit-in-use): taken here
    step(1);
    await(2);
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_mutex_init(&m, NULL);
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    pthread_mutex_init(&m, NULL); // EXPECT(reinit-in-use): initialised again here
    step(2);
    pthread_join(t, NULL);
    return 0;
}
