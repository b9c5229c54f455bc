/* The seed on daemon threads, setDaemon(False): the process ends when its threads have ended. main leaves by
 * pthread_exit. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *worker(void *arg) {
    (void)arg;
    puts("start");
    nap_ms(100);
    puts("end");
    return NULL;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_detach(t);
    nap_ms(20);
    puts("main thread end");
    pthread_exit(NULL);
}
