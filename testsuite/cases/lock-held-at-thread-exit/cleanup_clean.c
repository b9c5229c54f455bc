/* Cancelled while it holds a lock and inside pthread_cond_wait; a cleanup handler gives it back. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void unlock(void *lock) {
    pthread_mutex_unlock(lock);
}

static void *work(void *arg) {
    pthread_mutex_lock(&m);
    pthread_cleanup_push(unlock, &m);
    step(1);
    for (;;)
        pthread_cond_wait(&c, &m);
    pthread_cleanup_pop(0);
    return arg;
}

int main(void) {
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        step(0);
        pthread_create(&t, NULL, work, NULL);
        await(1);
        pthread_cancel(t);
        pthread_join(t, NULL);
    }
    return 0;
}
