/* A pool of two workers; each task queues another and waits for it, which only a worker could run. */
// HANGS
// ALLOW(stall)
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;
static int outer, inner, inner_done;

static void run_outer(void) {
    step_next();
    inner++;
    pthread_cond_signal(&work);
    while (inner_done < 2)
        pthread_cond_wait(&finished, &m); // EXPECT(pool-starvation): waits for its own pool
}

static void *worker(void *arg) {
    pthread_mutex_lock(&m);
    for (;;) {
        while (!outer && !inner)
            pthread_cond_wait(&work, &m);
        if (outer) {
            outer--;
            run_outer();
        } else {
            inner--;
            inner_done++;
            pthread_cond_broadcast(&finished);
        }
    }
    return arg;
}

int main(void) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    pthread_mutex_lock(&m);
    outer = 2;
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&m);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return 0;
}
