/* The seed's join program: main waits for the thread, and ends after it. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *target(void *arg) {
    (void)arg;
    puts("the current thread Thread-1 is running");
    nap_ms(50);
    puts("the current thread Thread-1 is ended");
    return NULL;
}

int main(void) {
    pthread_t t;
    puts("the current thread MainThread is running");
    pthread_create(&t, NULL, target, NULL);
    pthread_join(t, NULL);
    puts("the current thread MainThread is ended");
    return 0;
}
