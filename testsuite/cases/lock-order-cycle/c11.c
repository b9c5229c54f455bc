/* C11 mutexes and threads: glibc's do not pass through the pthread symbols. */
#include "step.h"
#include <threads.h>

static mtx_t a, b;

static int forward(void *arg) {
    (void)arg;
    mtx_lock(&a); // EXPECT(lock-order-cycle): held here
    mtx_lock(&b); // EXPECT(lock-order-cycle): wanted here
    mtx_unlock(&b);
    mtx_unlock(&a);
    step(1);
    return 0;
}

static int backward(void *arg) {
    (void)arg;
    await(1);
    mtx_lock(&b); // EXPECT(lock-order-cycle): held here
    mtx_lock(&a); // EXPECT(lock-order-cycle): wanted here
    mtx_unlock(&a);
    mtx_unlock(&b);
    return 0;
}

int main(void) {
    thrd_t one, two;
    mtx_init(&a, mtx_plain);
    mtx_init(&b, mtx_plain);
    thrd_create(&one, forward, NULL);
    thrd_create(&two, backward, NULL);
    thrd_join(one, NULL);
    thrd_join(two, NULL);
    mtx_destroy(&a);
    mtx_destroy(&b);
    return 0;
}
