/* Destroyed by the serial thread of the last round, as the manual allows. */
// CLEAN
#include <pthread.h>
#include <stdlib.h>

static pthread_barrier_t *b;

static void *party(void *arg) {
    for (int i = 0; i < 50; i++)
        pthread_barrier_wait(b);
    if (pthread_barrier_wait(b) == PTHREAD_BARRIER_SERIAL_THREAD) {
        pthread_barrier_destroy(b);
        free(b);
    }
    return arg;
}

int main(void) {
    pthread_t t[3];
    b = malloc(sizeof *b);
    pthread_barrier_init(b, NULL, 3);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, party, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
