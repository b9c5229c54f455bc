/* Two threads that join each other. glibc refuses it when it notices; a third in the ring it does not notice. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_t t[3];

static void *joiner(void *arg) {
    int i = (int)(long)arg;
    await(1);
    pthread_join(t[(i + 1) % 3], NULL); // EXPECT(deadlock): joins here
    return NULL;
}

int main(void) {
    for (long i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, joiner, (void *)i);
    step(1);
    pthread_exit(NULL);
}
