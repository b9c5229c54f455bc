/* The signal is sent before the waiter waits, and nobody keeps the news: no predicate is looked at. */
// HANGS
// EXPECT(stall)
// ALLOW(lost-wakeup)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *waiter(void *arg) {
    await(1);
    pthread_mutex_lock(&m);
    pthread_cond_wait(&c, &m); // EXPECT(lost-wakeup): waits for a signal that is past
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, waiter, NULL);
    pthread_mutex_lock(&m);
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    step(1);
    pthread_join(t, NULL);
    return 0;
}
