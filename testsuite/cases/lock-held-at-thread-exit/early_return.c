/* An early return leaves the lock behind. */
// ALLOW(lock-held-at-exit)
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(lock-held-at-thread-exit): taken here
    if (arg == NULL) return NULL;
    pthread_mutex_unlock(&m);
    return arg;
}

// OBJECT(lock-held-at-thread-exit): m
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
