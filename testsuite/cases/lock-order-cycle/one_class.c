/* A hundred pairs of one class taken in both orders are one mistake, reported once. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

struct pair {
    pthread_mutex_t first, second;
};
static struct pair *pairs[100];

static void *up(void *arg) {
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&pairs[i]->first);  // EXPECT(lock-order-cycle): held here
        pthread_mutex_lock(&pairs[i]->second); // EXPECT(lock-order-cycle): wanted here
        pthread_mutex_unlock(&pairs[i]->second);
        pthread_mutex_unlock(&pairs[i]->first);
    }
    step(1);
    return arg;
}

static void *down(void *arg) {
    await(1);
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&pairs[i]->second); // EXPECT(lock-order-cycle): held here
        pthread_mutex_lock(&pairs[i]->first);  // EXPECT(lock-order-cycle): wanted here
        pthread_mutex_unlock(&pairs[i]->first);
        pthread_mutex_unlock(&pairs[i]->second);
    }
    return arg;
}

// COUNT(lock-order-cycle): 1
int main(void) {
    pthread_t a, b;
    for (int i = 0; i < 100; i++) {
        pairs[i] = malloc(sizeof *pairs[i]);
        pthread_mutex_init(&pairs[i]->first, NULL);
        pthread_mutex_init(&pairs[i]->second, NULL);
    }
    pthread_create(&a, NULL, up, NULL);
    pthread_create(&b, NULL, down, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
