/* No debug information, and between the load and the store stands a call: still no atomic. */
// FLAGS: -O2 -g0
// EXPECT(data-race)
// SEVERITY(data-race): error
#include <pthread.h>
#include <unistd.h>

static int count;

static void *work(void *arg) {
    for (int i = 0; i < 20; i++) {
        int seen = count;
        usleep(100);
        count = seen + 1;
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, work, NULL);
    pthread_create(&u, NULL, work, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return count == 0;
}
