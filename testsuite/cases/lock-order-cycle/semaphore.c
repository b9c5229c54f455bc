/* Two semaphores of one permit, each given back by its taker, are locks and form a cycle. */
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t reader, writer;

static void *one(void *arg) {
    sem_wait(&reader); // EXPECT(lock-order-cycle): held here
    sem_wait(&writer); // EXPECT(lock-order-cycle): wanted here
    sem_post(&writer);
    sem_post(&reader);
    step(1);
    return arg;
}

static void *two(void *arg) {
    await(1);
    sem_wait(&writer); // EXPECT(lock-order-cycle): held here
    sem_wait(&reader); // EXPECT(lock-order-cycle): wanted here
    sem_post(&reader);
    sem_post(&writer);
    return arg;
}

int main(void) {
    pthread_t a, b;
    sem_init(&reader, 0, 1);
    sem_init(&writer, 0, 1);
    pthread_create(&a, NULL, one, NULL);
    pthread_create(&b, NULL, two, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
