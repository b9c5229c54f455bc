/* A semaphore posted after its end. */
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t s;

static void *late(void *arg) {
    await(1);
    sem_post(&s); // EXPECT(use-after-destroy): used here
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&s, 0, 0);
    pthread_create(&t, NULL, late, NULL);
    sem_destroy(&s); // EXPECT(use-after-destroy): destroyed here
    step(1);
    pthread_join(t, NULL);
    return 0;
}
