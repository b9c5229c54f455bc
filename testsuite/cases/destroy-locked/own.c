/* Destroyed by the owner itself, without giving it back. */
#include <pthread.h>

static pthread_mutex_t m;

static void *work(void *arg) {
    pthread_mutex_init(&m, NULL);
    pthread_mutex_lock(&m);    // EXPECT(destroy-locked): taken here
    pthread_mutex_destroy(&m); // EXPECT(destroy-locked): destroyed here
    return arg;
}

// ALLOW(lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
