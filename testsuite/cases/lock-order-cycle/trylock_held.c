/* A lock got by trylock is held like any other: only the wanting side must be a blocking call. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t main_lock = PTHREAD_MUTEX_INITIALIZER, net_lock = PTHREAD_MUTEX_INITIALIZER;

static void *poll_net(void *arg) {
    if (pthread_mutex_trylock(&main_lock) == 0) { // EXPECT(lock-order-cycle): held here
        pthread_mutex_lock(&net_lock);            // EXPECT(lock-order-cycle): wanted here
        pthread_mutex_unlock(&net_lock);
        pthread_mutex_unlock(&main_lock);
    }
    step(1);
    return arg;
}

static void *shut(void *arg) {
    await(1);
    pthread_mutex_lock(&net_lock);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&main_lock); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&main_lock);
    pthread_mutex_unlock(&net_lock);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, poll_net, NULL);
    pthread_create(&b, NULL, shut, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
