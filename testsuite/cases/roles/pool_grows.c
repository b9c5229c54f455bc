/* A pool that grows by itself: a worker that finds nobody asleep makes the next one; each sleeps at a condition variable of its own. */
// CLEAN
// ROLE(pools): name=worker, size>=3, queue_kind=condition variable, queue=of its own, creator=its own workers and others
// NOROLE(pools): says~w
#include "step.h"
#include <pthread.h>

enum { MOST = 4, TASKS = 40 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker {
    pthread_t thread;
    pthread_cond_t wake;
    int asleep, woken;
} all[MOST];
static int nworkers, waiting, over;

static void *worker(void *arg);

/* With the lock. */
static void wake_or_make(void) {
    for (int i = 0; i < nworkers; i++)
        if (all[i].asleep && !all[i].woken) {
            all[i].woken = 1;
            pthread_cond_signal(&all[i].wake);
            return;
        }
    if (nworkers == MOST) return;
    struct worker *w = &all[nworkers++];
    pthread_cond_init(&w->wake, NULL);
    pthread_create(&w->thread, NULL, worker, w);
}

static void *worker(void *arg) {
    struct worker *w = arg;
    pthread_mutex_lock(&lock);
    while (!over || waiting) {
        if (!waiting) {
            w->asleep = 1;
            while (!w->woken && !over)
                pthread_cond_wait(&w->wake, &lock);
            w->asleep = w->woken = 0;
            continue;
        }
        waiting--;
        if (waiting) wake_or_make();
        pthread_mutex_unlock(&lock);
        nap_ms(2);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    for (int i = 0; i < TASKS; i += 4) {
        pthread_mutex_lock(&lock);
        waiting += 4;
        wake_or_make();
        pthread_mutex_unlock(&lock);
        nap_ms(25);
    }
    pthread_mutex_lock(&lock);
    over = 1;
    for (int i = 0; i < nworkers; i++)
        pthread_cond_signal(&all[i].wake);
    int n = nworkers;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < n; i++)
        pthread_join(all[i].thread, NULL);
    return 0;
}
