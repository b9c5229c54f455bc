/* One after the other, with nobody waiting in between, POSIX lets the mutex change. */
// CLEAN
#include <pthread.h>
#include <time.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *work(void *arg) {
    pthread_mutex_t *both[2] = {&a, &b};
    for (int i = 0; i < 4; i++) {
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        pthread_mutex_lock(both[i % 2]);
        pthread_cond_timedwait(&c, both[i % 2], &limit);
        pthread_mutex_unlock(both[i % 2]);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
