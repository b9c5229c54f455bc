/* More threads come to a barrier than it was made for: the last one waits for a round that nobody will complete. */
// HANGS
// OFTEN: 15
#include "step.h"
#include <pthread.h>

static pthread_barrier_t gate;

static void *party(void *arg) {
    pthread_barrier_wait(&gate); // EXPECT(stall): one waits for ever
    return arg;
}

int main(void) {
    pthread_t t[3];
    pthread_barrier_init(&gate, NULL, 2);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, party, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    pthread_barrier_destroy(&gate);
    return 0;
}
