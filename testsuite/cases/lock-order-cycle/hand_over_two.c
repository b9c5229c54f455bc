/* Hand-over-hand A, B, C against C, A is harmless with one walker and a deadlock with two. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;

static void *walk(void *arg) {
    int turn = (int)(long)arg;
    await(turn);
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b); // EXPECT(lock-order-cycle): wanted with a held, and held below
    pthread_mutex_unlock(&a);
    pthread_mutex_lock(&c); // EXPECT(lock-order-cycle): wanted with b held
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&c);
    step(turn + 1);
    return NULL;
}

static void *wrap(void *arg) {
    await(2);
    pthread_mutex_lock(&c); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&a); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&c);
    return arg;
}

// THREADS(lock-order-cycle): 3
int main(void) {
    pthread_t t[3];
    pthread_create(&t[0], NULL, walk, (void *)0);
    pthread_create(&t[1], NULL, walk, (void *)1);
    pthread_create(&t[2], NULL, wrap, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
