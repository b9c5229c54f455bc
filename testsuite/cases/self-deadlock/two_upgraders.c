/* Two readers that both want to become the writer wait for each other and for themselves. */
// HANGS
// ALLOW(deadlock)
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

static void *upgrade(void *arg) {
    pthread_rwlock_rdlock(&table); // EXPECT(self-deadlock): held for reading
    step_next();
    await(2);
    pthread_rwlock_wrlock(&table); // EXPECT(self-deadlock): wanted for writing
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, upgrade, NULL);
    pthread_create(&u, NULL, upgrade, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
