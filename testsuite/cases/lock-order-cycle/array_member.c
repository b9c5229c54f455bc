/* Locks that are members of array elements are named accounts[3].lock and accounts[7].lock. */
#include "step.h"
#include <pthread.h>

struct account {
    long balance;
    pthread_mutex_t lock;
};
static struct account accounts[10];

static void transfer(struct account *from, struct account *to, long amount) {
    pthread_mutex_lock(&from->lock); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&to->lock);   // EXPECT(lock-order-cycle): wanted here
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void *there(void *arg) {
    transfer(&accounts[3], &accounts[7], 10); // EXPECT(lock-order-cycle): called from here
    step(1);
    return arg;
}

static void *back(void *arg) {
    await(1);
    transfer(&accounts[7], &accounts[3], 10); // EXPECT(lock-order-cycle): called from here
    return arg;
}

// FLAGS: -O2 -g
// OBJECT(lock-order-cycle): accounts[3].lock
// OBJECT(lock-order-cycle): accounts[7].lock
int main(void) {
    pthread_t a, b;
    for (int i = 0; i < 10; i++)
        pthread_mutex_init(&accounts[i].lock, NULL);
    pthread_create(&a, NULL, there, NULL);
    pthread_create(&b, NULL, back, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
