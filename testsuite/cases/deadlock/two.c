/* Two locks, two threads, and this time they meet. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_mutex_t checking = PTHREAD_MUTEX_INITIALIZER, savings = PTHREAD_MUTEX_INITIALIZER;

static void *one(void *arg) {
    pthread_mutex_lock(&checking); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_mutex_lock(&savings); // EXPECT(deadlock): waits here
    return arg;
}

static void *two(void *arg) {
    pthread_mutex_lock(&savings); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_mutex_lock(&checking); // EXPECT(deadlock): waits here
    return arg;
}

// COUNT(deadlock): 1
// OBJECT(deadlock): checking
// OBJECT(deadlock): savings
int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, one, NULL);
    pthread_create(&b, NULL, two, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
