/* Joined twice. With the thread's memory still there glibc says EINVAL or ESRCH; with another in its place it would
 * join that. */
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    return arg;
}

static void *keeper(void *arg) {
    await(1);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, work, NULL);
    pthread_create(&u, NULL, keeper, NULL);
    pthread_join(t, NULL); // EXPECT(double-join): the first
    pthread_join(t, NULL); // EXPECT(double-join): the second
    step(1);
    pthread_join(u, NULL);
    return 0;
}
