/* Ended long ago, never joined, never detached: each keeps its stack. */
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    step_next();
    return arg;
}

// MESSAGE(thread-leak): 5
// SEVERITY(thread-leak): warning
int main(void) {
    for (int i = 0; i < 5; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, NULL); // EXPECT(thread-leak): created here
    }
    await(5);
    nap_ms(100);
    return 0;
}
