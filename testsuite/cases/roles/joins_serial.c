/* Threads that are made and joined one after the other, and the same threads side by side. */
// CLEAN
// ROLE(joins): joiner=the main thread, joined=part, threads=5, serial=5, says~never ran side by side
// NOROLE(joins): joined=together, says~side
#include "step.h"
#include <pthread.h>

static void *part(void *arg) {
    nap_ms(8);
    return arg;
}

static void *together(void *arg) {
    nap_ms(8);
    return arg;
}

int main(void) {
    pthread_t t[5];
    for (int i = 0; i < 5; i++) {
        pthread_create(&t[i], NULL, part, NULL);
        pthread_join(t[i], NULL);
    }
    for (int i = 0; i < 5; i++)
        pthread_create(&t[i], NULL, together, NULL);
    for (int i = 0; i < 5; i++)
        pthread_join(t[i], NULL);
    return 0;
}
