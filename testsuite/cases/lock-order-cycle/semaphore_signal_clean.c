/* Semaphores that others post are signals and no locks, whatever order they are waited for in. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>

static sem_t ping, pong;
enum { ROUNDS = 50 };

static void *player(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    pthread_create(&t, NULL, player, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(t, NULL);
    sem_destroy(&ping);
    sem_destroy(&pong);
    return 0;
}
