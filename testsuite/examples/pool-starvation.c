#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { WORKERS = 2 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;
static int outer, inner, inner_done;

static void run_outer(void) { /* wants an inner task to be done by somebody */
    inner++;
    pthread_cond_signal(&more);
    while (!inner_done) pthread_cond_wait(&finished, &lock);
}

static void *worker(void *arg) {
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!outer && !inner) pthread_cond_wait(&more, &lock);
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
    pthread_t t[WORKERS];
    for (int i = 0; i < WORKERS; i++) pthread_create(&t[i], NULL, worker, NULL);
    usleep(100000);
    pthread_mutex_lock(&lock);
    outer = WORKERS;
    pthread_cond_broadcast(&more);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < WORKERS; i++) pthread_join(t[i], NULL);
    return 0;
}
