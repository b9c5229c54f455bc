/* thrd_exit with a mtx_t held. */
// ALLOW(lock-held-at-exit)
#include <threads.h>

static mtx_t m;

static int work(void *arg) {
    mtx_lock(&m); // EXPECT(lock-held-at-thread-exit): taken here
    if (!arg) thrd_exit(3);
    mtx_unlock(&m);
    return 0;
}

// EXIT: 3
int main(void) {
    thrd_t t;
    int result = 0;
    mtx_init(&m, mtx_plain);
    thrd_create(&t, work, NULL);
    thrd_join(t, &result);
    return result;
}
