/* Locked after it was destroyed. */
#include <pthread.h>

static pthread_mutex_t m;

static void *work(void *arg) {
    pthread_mutex_init(&m, NULL);
    pthread_mutex_destroy(&m); // EXPECT(use-after-destroy): destroyed here
    pthread_mutex_lock(&m);    // EXPECT(use-after-destroy): used here
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
