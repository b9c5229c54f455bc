/* The only thread that would signal stands behind another lock of the waiter. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int items;

static void *consumer(void *arg) {
    pthread_mutex_lock(&outer); // EXPECT(deadlock): held here
    pthread_mutex_lock(&queue);
    step(1);
    while (!items)
        pthread_cond_wait(&ready, &queue); // EXPECT(deadlock): waits here
    pthread_mutex_unlock(&queue);
    pthread_mutex_unlock(&outer);
    return arg;
}

static void *producer(void *arg) {
    await(1);
    nap_ms(30);
    pthread_mutex_lock(&outer); // EXPECT(deadlock): waits here
    pthread_mutex_lock(&queue);
    items++;
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&queue);
    pthread_mutex_unlock(&outer);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, consumer, NULL);
    pthread_create(&b, NULL, producer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
