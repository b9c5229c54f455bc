/* Forty threads queue up behind a circle of two: one deadlock is reported, with the circle's stacks. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *one(void *arg) {
    pthread_mutex_lock(&a); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_mutex_lock(&b); // EXPECT(deadlock): waits here
    return arg;
}

static void *two(void *arg) {
    pthread_mutex_lock(&b); // EXPECT(deadlock): held here
    step_next();
    await(2);
    pthread_mutex_lock(&a); // EXPECT(deadlock): waits here
    return arg;
}

static void *third(void *arg) {
    await(2);
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    return arg;
}

// COUNT(deadlock): 1
int main(void) {
    pthread_t t[42];
    pthread_create(&t[0], NULL, one, NULL);
    pthread_create(&t[1], NULL, two, NULL);
    for (int i = 2; i < 42; i++)
        pthread_create(&t[i], NULL, third, NULL);
    for (int i = 0; i < 42; i++)
        pthread_join(t[i], NULL);
    return 0;
}
