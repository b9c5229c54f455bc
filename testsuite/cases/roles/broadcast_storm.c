/* Every item wakes all eight consumers, and seven of them find nothing. */
// CLEAN
// ROLE(queues): name=ready, clear=true, producers=main, consumers=consumer, says~broadcast storm, broadcasts>=30, empty_wakeups>=100, woken_by_broadcasts>=150
#include "step.h"
#include <pthread.h>

enum { CONSUMERS = 8, ITEMS = 40 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int items, closed;

static void *consumer(void *arg) {
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!items && !closed)
            pthread_cond_wait(&ready, &lock);
        if (!items) break;
        items--;
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t c[CONSUMERS];
    for (int i = 0; i < CONSUMERS; i++)
        pthread_create(&c[i], NULL, consumer, NULL);
    for (int i = 0; i < ITEMS; i++) {
        nap_ms(3);
        pthread_mutex_lock(&lock);
        items++;
        pthread_cond_broadcast(&ready);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_lock(&lock);
    closed = 1;
    pthread_cond_broadcast(&ready);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(c[i], NULL);
    return 0;
}
