/* The main thread is a party like any other: it is not ordered with a child that it has not joined. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t ui = PTHREAD_MUTEX_INITIALIZER, model = PTHREAD_MUTEX_INITIALIZER;

static void *update(void *arg) {
    pthread_mutex_lock(&model); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&ui);    // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&ui);
    pthread_mutex_unlock(&model);
    step(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, update, NULL);
    await(1);
    pthread_mutex_lock(&ui);    // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&model); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&model);
    pthread_mutex_unlock(&ui);
    pthread_join(t, NULL);
    return 0;
}
