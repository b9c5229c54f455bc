#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t items;

static void *consumer(void *arg) {
    sem_wait(&items);
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&items, 0, 0);
    pthread_create(&t, NULL, consumer, NULL);
    usleep(100000);
    sem_destroy(&items);
    sem_post(&items);
    pthread_join(t, NULL);
    return 0;
}
