/* Locks in heap blocks, initialised dynamically. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

struct node {
    int value;
    pthread_mutex_t lock;
};
static struct node *left, *right;

static struct node *node_new(int value) {
    struct node *n = malloc(sizeof *n);
    n->value = value;
    pthread_mutex_init(&n->lock, NULL);
    return n;
}

static void *go(void *arg) {
    pthread_mutex_lock(&left->lock);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&right->lock); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&right->lock);
    pthread_mutex_unlock(&left->lock);
    step(1);
    return arg;
}

static void *come(void *arg) {
    await(1);
    pthread_mutex_lock(&right->lock); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&left->lock);  // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&left->lock);
    pthread_mutex_unlock(&right->lock);
    return arg;
}

int main(void) {
    pthread_t a, b;
    left = node_new(1);
    right = node_new(2);
    pthread_create(&a, NULL, go, NULL);
    pthread_create(&b, NULL, come, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
