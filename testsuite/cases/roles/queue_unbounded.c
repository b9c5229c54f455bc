/* A list that grows as it likes, with one condition variable: the producer never waits. */
// CLEAN
// ROLE(queues): name=ready, clear=true, producers=producer, consumers=consumer, room=None
#include "step.h"
#include <pthread.h>

enum { ITEMS = 30 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int items;

static void *producer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        nap_ms(2);
        pthread_mutex_lock(&lock);
        items++;
        pthread_cond_signal(&ready);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static void *consumer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&lock);
        while (items == 0)
            pthread_cond_wait(&ready, &lock);
        items--;
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

int main(void) {
    pthread_t p, c;
    pthread_create(&p, NULL, producer, NULL);
    pthread_create(&c, NULL, consumer, NULL);
    pthread_join(p, NULL);
    pthread_join(c, NULL);
    return 0;
}
