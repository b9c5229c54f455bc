/* C11 threads. */
#include <threads.h>

static int n;

static int count(void *arg) {
    (void)arg;
    n++; // EXPECT(data-race): the counter
    return 0;
}

// OBJECT(data-race): n
int main(void) {
    thrd_t t, u;
    thrd_create(&t, count, NULL);
    thrd_create(&u, count, NULL);
    thrd_join(t, NULL);
    thrd_join(u, NULL);
    return 0;
}
