/* Barriers in rounds, the last party late. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_barrier_t b;

static void *party(void *arg) {
    for (int i = 0; i < 20; i++) {
        pthread_barrier_wait(&b);
        if (arg) nap_ms(60);
    }
    return NULL;
}

int main(void) {
    pthread_t t[4];
    pthread_barrier_init(&b, NULL, 4);
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, party, (void *)(i == 3 ? 1L : 0L));
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    pthread_barrier_destroy(&b);
    return 0;
}
