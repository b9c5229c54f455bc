/* pthread_cond_wait takes its mutex again: a waiter that holds another lock closes a circle. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER, queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int items;

static void *consume(void *arg) {
    await(1);
    pthread_mutex_lock(&queue);
    pthread_mutex_lock(&state); // EXPECT(lock-order-cycle): held during the wait
    step(2);
    while (!items)
        pthread_cond_wait(&ready, &queue); // EXPECT(lock-order-cycle): takes queue again
    pthread_mutex_unlock(&state);
    pthread_mutex_unlock(&queue);
    return arg;
}

static void *produce(void *arg) {
    await(2);
    nap_ms(50);
    pthread_mutex_lock(&queue);
    items = 1;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&queue);
    return arg;
}

static void *inspect(void *arg) {
    pthread_mutex_lock(&queue); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&state); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&state);
    pthread_mutex_unlock(&queue);
    step(1);
    return arg;
}

int main(void) {
    pthread_t a, b, c;
    pthread_create(&a, NULL, consume, NULL);
    pthread_create(&b, NULL, produce, NULL);
    pthread_create(&c, NULL, inspect, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_join(c, NULL);
    return 0;
}
