/* A semaphore destroyed under its waiter. */
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static sem_t s;

static void *waiter(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 1;
    step(1);
    sem_timedwait(&s, &limit); // EXPECT(destroy-waited): waits here
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&s, 0, 0);
    pthread_create(&t, NULL, waiter, NULL);
    await(1);
    nap_ms(100);
    sem_destroy(&s); // EXPECT(destroy-waited): destroyed here
    pthread_join(t, NULL);
    return 0;
}
