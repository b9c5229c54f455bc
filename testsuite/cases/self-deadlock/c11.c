/* mtx_plain taken twice. */
// HANGS
#include <threads.h>

static mtx_t m;

static int work(void *arg) {
    (void)arg;
    mtx_lock(&m); // EXPECT(self-deadlock): taken here
    mtx_lock(&m); // EXPECT(self-deadlock): the second request
    mtx_unlock(&m);
    return 0;
}

int main(void) {
    thrd_t t;
    mtx_init(&m, mtx_plain);
    thrd_create(&t, work, NULL);
    thrd_join(t, NULL);
    return 0;
}
