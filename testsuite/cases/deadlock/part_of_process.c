/* Two threads hang while a third goes on working: the circle is reported although the process lives. */
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

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    for (;;)
        nap_ms(10);
}
