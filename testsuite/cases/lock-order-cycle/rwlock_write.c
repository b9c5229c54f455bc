/* Two rwlocks, both for writing, in opposite orders. */
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER, cache = PTHREAD_RWLOCK_INITIALIZER;

static void *fill(void *arg) {
    pthread_rwlock_wrlock(&table); // EXPECT(lock-order-cycle): held here
    pthread_rwlock_wrlock(&cache); // EXPECT(lock-order-cycle): wanted here
    pthread_rwlock_unlock(&cache);
    pthread_rwlock_unlock(&table);
    step(1);
    return arg;
}

static void *evict(void *arg) {
    await(1);
    pthread_rwlock_wrlock(&cache); // EXPECT(lock-order-cycle): held here
    pthread_rwlock_wrlock(&table); // EXPECT(lock-order-cycle): wanted here
    pthread_rwlock_unlock(&table);
    pthread_rwlock_unlock(&cache);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, fill, NULL);
    pthread_create(&b, NULL, evict, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
