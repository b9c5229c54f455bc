/* Destroyed while a party waits: glibc's destroy then waits for a party that never comes, and only the watchdog ends
 * it. */
// ALLOW(use-after-destroy, destroy-waited, daemon-killed, thread-leak)
#include "step.h"
#include <pthread.h>

static pthread_barrier_t b;

static void *party(void *arg) {
    step_next();
    pthread_barrier_wait(&b);
    return arg;
}

static void *watchdog(void *arg) {
    await(1);
    nap_ms(500);
    if (!arg) _exit(0);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_barrier_init(&b, NULL, 2);
    pthread_create(&t, NULL, party, NULL);
    pthread_create(&u, NULL, watchdog, NULL);
    await(1);
    nap_ms(100);
    pthread_barrier_destroy(&b); // EXPECT(barrier-misuse): destroyed here
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
