/* A condition variable destroyed while a thread waits for it. glibc's destroy waits for the waiter, which a second
 * signal frees. */
#include "step.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *waiter(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 1;
    pthread_mutex_lock(&m);
    step(1);
    pthread_cond_timedwait(&c, &m, &limit); // EXPECT(destroy-waited): waits here
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, waiter, NULL);
    await(1);
    nap_ms(100);
    pthread_cond_destroy(&c); // EXPECT(destroy-waited): destroyed here
    pthread_join(t, NULL);
    return 0;
}
