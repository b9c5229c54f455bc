/* Given back on a path that had not taken it. */
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
    if (arg) pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m); // EXPECT(unlock-not-held): nobody has it
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
