/* With -O2 the helpers are inlined: their lines and their callers' are shown all the same. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;

static inline __attribute__((always_inline)) void take(pthread_mutex_t *m) {
    pthread_mutex_lock(m); // EXPECT(lock-order-cycle): inlined
}

static void *one(void *arg) {
    take(&outer); // EXPECT(lock-order-cycle): held by a call here
    take(&inner); // EXPECT(lock-order-cycle): wanted by a call here
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(&outer);
    step(1);
    return arg;
}

static void *two(void *arg) {
    await(1);
    take(&inner); // EXPECT(lock-order-cycle): held by a call here
    take(&outer); // EXPECT(lock-order-cycle): wanted by a call here
    pthread_mutex_unlock(&outer);
    pthread_mutex_unlock(&inner);
    return arg;
}

// FLAGS: -O2 -g
int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, one, NULL);
    pthread_create(&b, NULL, two, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
