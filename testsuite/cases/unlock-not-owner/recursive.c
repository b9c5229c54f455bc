/* A recursive mutex refuses the stranger with EPERM. */
// FLAGS: -O1 -g -D_GNU_SOURCE
#include "step.h"
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void *taker(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(unlock-not-owner): taken here
    step(1);
    await(2);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, taker, NULL);
    await(1);
    int result = pthread_mutex_unlock(&m); // EXPECT(unlock-not-owner): refused here
    step(2);
    pthread_join(t, NULL);
    return result == EPERM ? 0 : 1;
}
