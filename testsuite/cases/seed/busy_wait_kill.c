/* The seed's `while threading.active_count() != 1: pass`: asking again and again whether a thread is still there. */
#include "step.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static _Atomic int gone;

static void *run(void *arg) {
    nap_ms(1700);
    gone = 1;
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, run, NULL);
    while (!gone && !pthread_kill(t, 0)) { // EXPECT(busy-wait): polls
    }
    pthread_join(t, NULL);
    puts("over");
    return 0;
}
