/* Producer and consumer with two semaphores that count free and filled places: each side posts what the other waits
 * for. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

enum { ITEMS = 500, PLACES = 4 };
static sem_t free_places, filled_places;
static int place[PLACES];

static void *producer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        sem_wait(&free_places);
        place[i % PLACES] = i;
        sem_post(&filled_places);
    }
    return arg;
}

static void *consumer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        sem_wait(&filled_places);
        *(long *)arg += place[i % PLACES];
        sem_post(&free_places);
    }
    return NULL;
}

int main(void) {
    pthread_t p, c;
    long sum = 0;
    sem_init(&free_places, 0, PLACES);
    sem_init(&filled_places, 0, 0);
    pthread_create(&p, NULL, producer, NULL);
    pthread_create(&c, NULL, consumer, &sum);
    pthread_join(p, NULL);
    pthread_join(c, NULL);
    printf("sum %ld\n", sum);
    return 0;
}
