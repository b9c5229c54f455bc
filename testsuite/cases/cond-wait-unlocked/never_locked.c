/* Waits with a mutex that it has not taken. */
// ALLOW(unlock-not-held)
#include <pthread.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *work(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    pthread_cond_timedwait(&c, &m, &limit); // EXPECT(cond-wait-unlocked): waits here
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
