#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t ready;

static void *consumer(void *arg) {
    sem_wait(&ready);
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&ready, 0, 0);
    pthread_create(&t, NULL, consumer, NULL);
    /* the producer was never started */
    pthread_join(t, NULL);
    return 0;
}
