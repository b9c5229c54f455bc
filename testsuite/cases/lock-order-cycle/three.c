/* Three philosophers, one after the other: a cycle of three, every edge shown. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t forks[3] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *dine(void *arg) {
    int seat = (int)(long)arg;
    await(seat);
    pthread_mutex_lock(&forks[seat]);           // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&forks[(seat + 1) % 3]); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&forks[(seat + 1) % 3]);
    pthread_mutex_unlock(&forks[seat]);
    step(seat + 1);
    return NULL;
}

// OBJECT(lock-order-cycle): forks[0]
// OBJECT(lock-order-cycle): forks[2]
// STEPS(lock-order-cycle): 6
// COUNT(lock-order-cycle): 1
// THREADS(lock-order-cycle): 3
int main(void) {
    pthread_t t[3];
    for (long i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, dine, (void *)i);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
