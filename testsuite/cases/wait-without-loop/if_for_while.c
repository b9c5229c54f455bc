/* A wait behind an if: a wake-up that nobody sent is acted on. */
// OPTIONS: spurious_wakeups=on
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int items;

// SEVERITY(wait-without-loop): note
// COUNT(wait-without-loop): 1
static void *consumer(void *arg) {
    pthread_mutex_lock(&m);
    step(1);
    if (items == 0) pthread_cond_wait(&c, &m); // EXPECT(wait-without-loop): the wait
    items--;
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, consumer, NULL);
    await(1);
    pthread_mutex_lock(&m);
    items++;
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    pthread_join(t, NULL);
    return items;
}
