/* Two rwlocks, each held for reading by one and wanted for writing by the other. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t a = PTHREAD_RWLOCK_INITIALIZER, b = PTHREAD_RWLOCK_INITIALIZER;

static void *one(void *arg) {
    pthread_rwlock_rdlock(&a); // EXPECT(deadlock): held for reading
    step_next();
    await(2);
    pthread_rwlock_wrlock(&b); // EXPECT(deadlock): waits here
    return arg;
}

static void *two(void *arg) {
    pthread_rwlock_rdlock(&b); // EXPECT(deadlock): held for reading
    step_next();
    await(2);
    pthread_rwlock_wrlock(&a); // EXPECT(deadlock): waits here
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
