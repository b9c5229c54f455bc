/* Semaphores have no owner: posting what another took is their use. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>

static sem_t s, ready;

static void *release(void *arg) {
    sem_wait(&ready);
    sem_post(&s);
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&s, 0, 1);
    sem_init(&ready, 0, 0);
    pthread_create(&t, NULL, release, NULL);
    sem_wait(&s);
    sem_post(&ready);
    sem_wait(&s);
    pthread_join(t, NULL);
    return 0;
}
