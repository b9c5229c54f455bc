/* Spin locks form cycles like mutexes. */
#include "step.h"
#include <pthread.h>

static pthread_spinlock_t rx, tx;

static void *receive(void *arg) {
    pthread_spin_lock(&rx); // EXPECT(lock-order-cycle): held here
    pthread_spin_lock(&tx); // EXPECT(lock-order-cycle): wanted here
    pthread_spin_unlock(&tx);
    pthread_spin_unlock(&rx);
    step(1);
    return arg;
}

static void *transmit(void *arg) {
    await(1);
    pthread_spin_lock(&tx); // EXPECT(lock-order-cycle): held here
    pthread_spin_lock(&rx); // EXPECT(lock-order-cycle): wanted here
    pthread_spin_unlock(&rx);
    pthread_spin_unlock(&tx);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_spin_init(&rx, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_init(&tx, PTHREAD_PROCESS_PRIVATE);
    pthread_create(&a, NULL, receive, NULL);
    pthread_create(&b, NULL, transmit, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_spin_destroy(&rx);
    pthread_spin_destroy(&tx);
    return 0;
}
