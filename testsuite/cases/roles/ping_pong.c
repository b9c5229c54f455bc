/* Two threads that wake each other in turn, with two condition variables and with two semaphores: neither produces. */
// CLEAN
// RUN: conditions
// RUN: semaphores
// NOROLE(queues): clear=true
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

enum { ROUNDS = 200 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_of[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static sem_t permit_of[2];
static int turn;

static void with_conditions(int me) {
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        while (turn != me)
            pthread_cond_wait(&turn_of[me], &lock);
        turn = !me;
        pthread_cond_signal(&turn_of[!me]);
        pthread_mutex_unlock(&lock);
    }
}

static void with_semaphores(int me) {
    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&permit_of[me]);
        sem_post(&permit_of[!me]);
    }
}

static void (*play)(int me) = with_conditions;

static void *ping(void *arg) {
    play(0);
    return arg;
}

static void *pong(void *arg) {
    play(1);
    return arg;
}

int main(int argc, char **argv) {
    pthread_t a, b;
    if (argc > 1 && strcmp(argv[1], "semaphores") == 0) play = with_semaphores;
    sem_init(&permit_of[0], 0, 1);
    sem_init(&permit_of[1], 0, 0);
    pthread_create(&a, NULL, ping, NULL);
    pthread_create(&b, NULL, pong, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
