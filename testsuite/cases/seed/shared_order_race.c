/* The seed on threads: data that they share, and an order that nothing determines: who sees what is left to chance. */
// OPTIONS: races=on
// EXIT: 0
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static int shared;

static void *writer(void *arg) {
    (void)arg;
    shared = 1; // EXPECT(data-race): write
    step(1);
    return NULL;
}

static void *reader(void *arg) {
    await(1);
    *(int *)arg = shared; // EXPECT(data-race): read
    return NULL;
}

int main(void) {
    pthread_t a, b;
    int got = 0;
    pthread_create(&a, NULL, writer, NULL);
    pthread_create(&b, NULL, reader, &got);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("got %d\n", got);
    return 0;
}
