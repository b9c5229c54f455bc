/* One semaphore of each role. */
// CLEAN
// ROLE(semaphores): name=mutual, role=lock, initial=1, most_in_use=1, lost=0
// ROLE(semaphores): name=seats, role=bounded resource, initial=3, most_in_use=3, blocked>=1, lost=0
// ROLE(semaphores): name=tick, role=signal, initial=0
// ROLE(queues): name=tick, clear=true, producers=main, consumers=guest
// NOROLE(queues): name=seats
// NOROLE(queues): name=mutual
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

enum { GUESTS = 6 };
static sem_t mutual, seats, tick;

static void *guest(void *arg) {
    sem_wait(&tick);
    sem_wait(&seats);
    nap_ms(5);
    sem_post(&seats);
    sem_wait(&mutual);
    nap_ms(3);
    sem_post(&mutual);
    return arg;
}

int main(void) {
    pthread_t t[GUESTS];
    sem_init(&mutual, 0, 1);
    sem_init(&seats, 0, 3);
    sem_init(&tick, 0, 0);
    for (int i = 0; i < GUESTS; i++)
        pthread_create(&t[i], NULL, guest, NULL);
    nap_ms(20);
    for (int i = 0; i < GUESTS; i++)
        sem_post(&tick);
    for (int i = 0; i < GUESTS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
