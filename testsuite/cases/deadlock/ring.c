/* N threads in a ring, each with its own lock and waiting for its neighbour's. */
// HANGS
// RUN: 2
// RUN: 3
// RUN: 7
// RUN: 30
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t ring[30];
static int n;

static void *member(void *arg) {
    int i = (int)(long)arg;
    pthread_mutex_lock(&ring[i]); // EXPECT(deadlock): held here
    step_next();
    await(n);
    pthread_mutex_lock(&ring[(i + 1) % n]); // EXPECT(deadlock): waits here
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t t[30];
    n = argc > 1 ? atoi(argv[1]) : 2;
    for (int i = 0; i < n; i++)
        pthread_mutex_init(&ring[i], NULL);
    for (long i = 0; i < n; i++)
        pthread_create(&t[i], NULL, member, (void *)i);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    return 0;
}
