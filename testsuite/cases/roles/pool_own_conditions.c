/* Three workers, each with a condition variable of its own, to which main hands what there is to do. */
// CLEAN
// ROLE(pools): name=worker, size=3, creator=the main thread, queue_kind=condition variable, queue=of its own, tasks>=20, queue_wait=unknown
// NOROLE(pools): says~w
#include "step.h"
#include <pthread.h>

enum { WORKERS = 3, TASKS = 30 };
static struct worker {
    pthread_mutex_t lock;
    pthread_cond_t given;
    int tasks, over, came;
} all[WORKERS];

static void *worker(void *arg) {
    struct worker *w = arg;
    pthread_mutex_lock(&w->lock);
    w->came = 1;
    for (;;) {
        while (!w->tasks && !w->over)
            pthread_cond_wait(&w->given, &w->lock);
        if (!w->tasks) break;
        w->tasks--;
        pthread_mutex_unlock(&w->lock);
        nap_ms(1);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return arg;
}

static void tell(struct worker *w, int task) {
    pthread_mutex_lock(&w->lock);
    w->tasks += task;
    w->over = !task;
    pthread_cond_signal(&w->given);
    pthread_mutex_unlock(&w->lock);
}

static int has_come(struct worker *w) {
    pthread_mutex_lock(&w->lock);
    int came = w->came;
    pthread_mutex_unlock(&w->lock);
    return came;
}

int main(void) {
    pthread_t t[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pthread_mutex_init(&all[i].lock, NULL);
        pthread_cond_init(&all[i].given, NULL);
        pthread_create(&t[i], NULL, worker, &all[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        while (!has_come(&all[i]))
            nap_ms(5);
    for (int i = 0; i < TASKS; i++) {
        tell(&all[i % WORKERS], 1);
        nap_ms(6);
    }
    for (int i = 0; i < WORKERS; i++)
        tell(&all[i], 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
