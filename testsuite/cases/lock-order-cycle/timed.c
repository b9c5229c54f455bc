/* One side gives up after a time: the program recovers, which is a warning and no error. */
#include "step.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER, net = PTHREAD_MUTEX_INITIALIZER;

static void *patient(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 5;
    pthread_mutex_lock(&disk);             // EXPECT(lock-order-cycle): held here
    pthread_mutex_timedlock(&net, &limit); // EXPECT(lock-order-cycle): wanted for five seconds
    pthread_mutex_unlock(&net);
    pthread_mutex_unlock(&disk);
    step(1);
    return arg;
}

static void *stubborn(void *arg) {
    await(1);
    pthread_mutex_lock(&net);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&disk); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&disk);
    pthread_mutex_unlock(&net);
    return arg;
}

// SEVERITY(lock-order-cycle): warning
int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, patient, NULL);
    pthread_create(&b, NULL, stubborn, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
