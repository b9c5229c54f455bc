/* main returns with a lock held: told as a note. */
// SEVERITY(lock-held-at-exit): note
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *nothing(void *arg) {
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    pthread_mutex_lock(&m); // EXPECT(lock-held-at-exit): taken here
    return 0;
}
