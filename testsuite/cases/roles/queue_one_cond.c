/* A bounded buffer with one condition variable for both: all threads wait and signal, so no side is named. */
// CLEAN
// ROLE(queues): name=changed, clear=false, says~not clear
// NOROLE(queues): clear=true
// NOROLE(pools): queue=changed, says~larger
#include "step.h"
#include <pthread.h>

enum { ITEMS = 40, ROOM = 2 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int items;

static void *producer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&lock);
        while (items == ROOM)
            pthread_cond_wait(&changed, &lock);
        items++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        if (i < ITEMS / 2) nap_ms(2);
    }
    return arg;
}

static void *consumer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&lock);
        while (items == 0)
            pthread_cond_wait(&changed, &lock);
        items--;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        if (i >= ITEMS / 2) nap_ms(2);
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
