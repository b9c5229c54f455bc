/* Peers that wait for each other at one condition variable: a barrier made by hand, and a counter that each changes and waits for. */
// CLEAN
// RUN: barrier
// RUN: counter
// NOROLE(queues): clear=true
// NOROLE(pools): size>=1
// NOROLE(queues): says~storm
#include "step.h"
#include <pthread.h>
#include <string.h>

enum { PEERS = 4, ROUNDS = 30 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int arrived, round_now, counter;

static void barrier(void) {
    pthread_mutex_lock(&lock);
    int mine = round_now;
    if (++arrived == PEERS) {
        arrived = 0;
        round_now++;
        pthread_cond_broadcast(&changed);
    }
    while (mine == round_now)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void *meet(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        barrier();
        nap_ms(1);
    }
    return arg;
}

/* Each waits for its number, and passes on to the next. */
static void *count(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        while (counter % PEERS != (int)(long)arg)
            pthread_cond_wait(&changed, &lock);
        counter++;
        pthread_cond_signal(&changed);
        pthread_cond_signal(&changed);
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t[PEERS];
    for (long i = 0; i < PEERS; i++)
        pthread_create(&t[i], NULL, argc > 1 && strcmp(argv[1], "counter") == 0 ? count : meet, (void *)i);
    for (int i = 0; i < PEERS; i++)
        pthread_join(t[i], NULL);
    return 0;
}
