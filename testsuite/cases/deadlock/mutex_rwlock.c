/* A writer waits for a reader that waits for the writer's mutex. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;

static void *reader(void *arg) {
    pthread_rwlock_rdlock(&table); // EXPECT(deadlock): held for reading
    step_next();
    await(2);
    pthread_mutex_lock(&journal); // EXPECT(deadlock): waits here
    return arg;
}

static void *writer(void *arg) {
    pthread_mutex_lock(&journal); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_rwlock_wrlock(&table); // EXPECT(deadlock): waits here
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, reader, NULL);
    pthread_create(&b, NULL, writer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
