/* The process ends while a thread is in the middle of its work. */
// SEVERITY(daemon-killed): warning
#include "step.h"
#include <pthread.h>

static void *daemon_loop(void *arg) {
    step(1);
    for (;;)
        nap_ms(5);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, daemon_loop, NULL); // EXPECT(daemon-killed): created here
    pthread_detach(t);
    await(1);
    return 0;
}
