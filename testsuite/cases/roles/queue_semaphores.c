/* A buffer of four places counted by two semaphores: the one that begins with permits counts room. */
// CLEAN
// ROLE(queues): name=filled, clear=true, producers=main, consumers=consumer, room=free_places, says~consumers hold them up
// NOROLE(queues): name=free_places
// ROLE(semaphores): name=filled, role=signal, initial=0, taken=40
// ROLE(semaphores): name=free_places, role=signal, initial=4
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

enum { ITEMS = 40, PLACES = 4 };
static sem_t filled, free_places;

static void *consumer(void *arg) {
    for (int i = 0; i < ITEMS; i++) {
        sem_wait(&filled);
        sem_post(&free_places);
        nap_ms(3);
    }
    return arg;
}

int main(void) {
    pthread_t c;
    sem_init(&filled, 0, 0);
    sem_init(&free_places, 0, PLACES);
    pthread_create(&c, NULL, consumer, NULL);
    for (int i = 0; i < ITEMS; i++) {
        sem_wait(&free_places);
        sem_post(&filled);
    }
    pthread_join(c, NULL);
    return 0;
}
