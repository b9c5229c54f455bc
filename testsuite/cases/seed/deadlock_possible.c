/* The same two resources on a day when all goes well: the two never meet, but the order shows what can happen. */
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *one(void *arg) {
    pthread_mutex_lock(&a); // EXPECT(lock-order-cycle): one holds a
    pthread_mutex_lock(&b); // EXPECT(lock-order-cycle): one wants b
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
    step(1);
    return arg;
}

static void *two(void *arg) {
    await(1);
    pthread_mutex_lock(&b); // EXPECT(lock-order-cycle): two holds b
    pthread_mutex_lock(&a); // EXPECT(lock-order-cycle): two wants a
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
    puts("went well");
    return 0;
}
