/* C11 mutexes in two threads that meet. */
// HANGS
#include "step.h"
#include <threads.h>

static mtx_t a, b;

static int one(void *arg) {
    (void)arg;
    mtx_lock(&a); // EXPECT(deadlock): held here
    step_next();
    await(2);
    mtx_lock(&b); // EXPECT(deadlock): waits here
    return 0;
}

static int two(void *arg) {
    (void)arg;
    mtx_lock(&b); // EXPECT(deadlock): held here
    step_next();
    await(2);
    mtx_lock(&a); // EXPECT(deadlock): waits here
    return 0;
}

int main(void) {
    thrd_t t, u;
    mtx_init(&a, mtx_plain);
    mtx_init(&b, mtx_plain);
    thrd_create(&t, one, NULL);
    thrd_create(&u, two, NULL);
    thrd_join(t, NULL);
    thrd_join(u, NULL);
    return 0;
}
