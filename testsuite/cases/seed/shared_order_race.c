/* The seed on threads: data that they share, and an order that nothing determines: who sees what is left to chance. */
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static int shared;

static void *writer(void *arg) {
    shared = 1; // EXPECT(data-race): write
    return arg;
}

static void *reader(void *arg) {
    nap_ms(50);
    return shared == 1 ? arg : NULL; // EXPECT(data-race): read
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, writer, NULL);
    pthread_create(&b, NULL, reader, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    puts("done");
    return 0;
}
