/* Recursive mutexes form cycles with others; the inner relock adds nothing. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t tree = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, leaf = PTHREAD_MUTEX_INITIALIZER;

static void *down(void *arg) {
    pthread_mutex_lock(&tree); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&tree);
    pthread_mutex_lock(&leaf); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&leaf);
    pthread_mutex_unlock(&tree);
    pthread_mutex_unlock(&tree);
    step(1);
    return arg;
}

static void *up(void *arg) {
    await(1);
    pthread_mutex_lock(&leaf); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&tree); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&tree);
    pthread_mutex_unlock(&leaf);
    return arg;
}

// FLAGS: -O1 -g -D_GNU_SOURCE
int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, down, NULL);
    pthread_create(&b, NULL, up, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
