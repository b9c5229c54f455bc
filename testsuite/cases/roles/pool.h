/* A pool of workers at a list of numbered tasks, with one condition variable. The program gives work() and calls pool_run(). */
#ifndef ROLES_POOL_H
#define ROLES_POOL_H

#include "step.h"
#include <pthread.h>

static struct pool {
    pthread_mutex_t lock;
    pthread_cond_t queued;
    int waiting, closed, came;
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};

static void work(void);

static void *worker(void *arg) {
    pthread_mutex_lock(&pool.lock);
    pool.came++;
    for (;;) {
        while (!pool.waiting && !pool.closed)
            pthread_cond_wait(&pool.queued, &pool.lock);
        if (!pool.waiting) break;
        pool.waiting--;
        pthread_mutex_unlock(&pool.lock);
        work();
        pthread_mutex_lock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
    return arg;
}

static void submit(void) {
    pthread_mutex_lock(&pool.lock);
    pool.waiting++;
    pthread_cond_signal(&pool.queued);
    pthread_mutex_unlock(&pool.lock);
}

/* `tasks` tasks, one every `every_ms` (0: all at once), by `n` workers. */
static void pool_run(int n, int tasks, unsigned every_ms) {
    pthread_t t[64];
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (int came = 0; came < n; nap_ms(10)) { /* all are there, however busy the machine */
        pthread_mutex_lock(&pool.lock);
        came = pool.came;
        pthread_mutex_unlock(&pool.lock);
    }
    for (int i = 0; i < tasks; i++) {
        submit();
        if (every_ms) nap_ms(every_ms);
    }
    pthread_mutex_lock(&pool.lock);
    pool.closed = 1;
    pthread_cond_broadcast(&pool.queued);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

#endif
