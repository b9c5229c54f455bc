/* A gate lock that only one of the two sides takes protects nothing. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER, a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *gated(void *arg) {
    pthread_mutex_lock(&gate);
    pthread_mutex_lock(&a); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&b); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&gate);
    step(1);
    return arg;
}

static void *ungated(void *arg) {
    await(1);
    pthread_mutex_lock(&b); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&a); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
    return arg;
}

int main(void) {
    pthread_t one, two;
    pthread_create(&one, NULL, gated, NULL);
    pthread_create(&two, NULL, ungated, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    return 0;
}
