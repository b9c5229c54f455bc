/* main ends with pthread_exit and the others finish their work. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *work(void *arg) {
    nap_ms(100);
    puts("done");
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_detach(t);
    pthread_exit(NULL);
}
