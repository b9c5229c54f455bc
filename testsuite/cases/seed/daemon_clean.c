/* The seed on daemon threads, setDaemon(False): the process ends when its threads have ended. main leaves by
 * pthread_exit. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *worker(void *arg) {
    (void)arg;
    puts("start");
    step(1);
    await(2);
    nap_ms(100);
    puts("end");
    return NULL;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_detach(t);
    await(1);
    puts("main thread end");
    step(2);
    pthread_exit(NULL);
}
