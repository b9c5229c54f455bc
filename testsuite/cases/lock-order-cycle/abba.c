/* The classic: one thread takes checking then savings, the other savings then checking, far enough apart not to hang.
 */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t checking = PTHREAD_MUTEX_INITIALIZER, savings = PTHREAD_MUTEX_INITIALIZER;

static void *deposit(void *arg) {
    pthread_mutex_lock(&checking); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&savings);  // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&savings);
    pthread_mutex_unlock(&checking);
    step(1);
    return arg;
}

static void *withdraw(void *arg) {
    await(1);
    pthread_mutex_lock(&savings);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&checking); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&checking);
    pthread_mutex_unlock(&savings);
    return arg;
}

// OBJECT(lock-order-cycle): checking
// OBJECT(lock-order-cycle): savings
// COUNT(lock-order-cycle): 1
// THREADS(lock-order-cycle): 2
int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, deposit, NULL);
    pthread_create(&b, NULL, withdraw, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
