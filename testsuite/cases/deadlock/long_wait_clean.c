/* A wait of three seconds that ends: the holder sleeps in the kernel, and so is alive. */
// CLEAN
#include "step.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *slow(void *arg) {
    pthread_mutex_lock(&lock);
    step(1);
    nap_ms(3000);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, slow, NULL);
    await(1);
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    return 0;
}
