/* A reader that takes a mutex, against a holder of the mutex that writes. */
#include "step.h"
#include <pthread.h>

static pthread_rwlock_t config = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void *serve(void *arg) {
    pthread_rwlock_rdlock(&config); // EXPECT(lock-order-cycle): held for reading
    pthread_mutex_lock(&log_lock);  // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&log_lock);
    pthread_rwlock_unlock(&config);
    step(1);
    return arg;
}

static void *reload(void *arg) {
    await(1);
    pthread_mutex_lock(&log_lock);  // EXPECT(lock-order-cycle): held here
    pthread_rwlock_wrlock(&config); // EXPECT(lock-order-cycle): wanted for writing
    pthread_rwlock_unlock(&config);
    pthread_mutex_unlock(&log_lock);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, serve, NULL);
    pthread_create(&b, NULL, reload, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
