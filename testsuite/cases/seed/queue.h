/* A bounded queue with one mutex and two condition variables, as the producer and consumer programs of this folder use
 * it. */
#ifndef SEED_QUEUE_H
#define SEED_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    void *item[8];
    int first, n;
    bool closed;
};

#define QUEUE_INIT                                                                                                     \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 0, 0, false }

static inline void queue_put(struct queue *q, void *item) {
    pthread_mutex_lock(&q->lock);
    while (q->n == 8)
        pthread_cond_wait(&q->emptied, &q->lock);
    q->item[(q->first + q->n++) % 8] = item;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* NULL when the queue is closed and empty. */
static inline void *queue_get(struct queue *q) {
    void *item = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->n && !q->closed)
        pthread_cond_wait(&q->filled, &q->lock);
    if (q->n) {
        item = q->item[q->first];
        q->first = (q->first + 1) % 8;
        q->n--;
        pthread_cond_signal(&q->emptied);
    }
    pthread_mutex_unlock(&q->lock);
    return item;
}

static inline void queue_close(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

#endif
