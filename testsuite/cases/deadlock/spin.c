/* Spin locks: both threads burn their processor for ever. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_spinlock_t a, b;

static void *one(void *arg) {
    pthread_spin_lock(&a); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_spin_lock(&b); // EXPECT(deadlock): waits here
    return arg;
}

static void *two(void *arg) {
    pthread_spin_lock(&b); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_spin_lock(&a); // EXPECT(deadlock): waits here
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_spin_init(&a, 0);
    pthread_spin_init(&b, 0);
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
