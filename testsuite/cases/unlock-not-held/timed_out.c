/* The timed lock failed, and the result was not looked at. */
#include "step.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&m);
    step(1);
    await(2);
    pthread_mutex_unlock(&m);
    step(3);
    return arg;
}

static void *impatient(void *arg) {
    struct timespec now;
    await(1);
    clock_gettime(CLOCK_REALTIME, &now);
    pthread_mutex_timedlock(&m, &now);
    step(2);
    await(3);
    pthread_mutex_unlock(&m); // EXPECT(unlock-not-held): was never got
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, holder, NULL);
    pthread_create(&u, NULL, impatient, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
