/* Two resources, two callers, each with one and waiting for the other. */
// HANGS
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *one(void *arg) {
    pthread_mutex_lock(&a); // EXPECT(deadlock): one holds a
    step_next();
    await(2);
    pthread_mutex_lock(&b); // EXPECT(deadlock): one waits for b
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
    return arg;
}

static void *two(void *arg) {
    pthread_mutex_lock(&b); // EXPECT(deadlock): two holds b
    step_next();
    await(2);
    pthread_mutex_lock(&a); // EXPECT(deadlock): two waits for a
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
    return arg;
}

int main(void) {
    pthread_t t1, t2;
    pthread_create(&t1, NULL, one, NULL);
    pthread_create(&t2, NULL, two, NULL);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    puts("never");
    return 0;
}
