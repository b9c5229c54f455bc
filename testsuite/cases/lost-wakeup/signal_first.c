/* A worker signals while nobody waits; then main waits, and nobody is left to signal again. */
// HANGS
// EXPECT(stall)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *notify(void *arg) {
    pthread_mutex_lock(&m);
    pthread_cond_signal(&c); // EXPECT(lost-wakeup): reached nobody
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, notify, NULL);
    pthread_join(t, NULL);
    pthread_mutex_lock(&m);
    pthread_cond_wait(&c, &m); // EXPECT(lost-wakeup): waits here
    pthread_mutex_unlock(&m);
    return 0;
}
