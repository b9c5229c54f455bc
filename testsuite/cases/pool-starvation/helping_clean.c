/* A worker that waits for an inner task runs queued tasks meanwhile. */
// CLEAN
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int outer = 4, inner, done;

static void run_inner(void) {
    inner--;
    done++;
    pthread_cond_broadcast(&change);
}

static void *worker(void *arg) {
    pthread_mutex_lock(&m);
    while (done < 4) {
        if (outer) {
            outer--;
            inner++;
            pthread_cond_broadcast(&change);
        } else if (inner) {
            run_inner();
        } else {
            pthread_cond_wait(&change, &m);
        }
    }
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return done == 4 ? 0 : 1;
}
