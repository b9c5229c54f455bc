/* A timed relock gives up by itself. */
// CLEAN
// ALLOW(self-deadlock)
#include <errno.h>
#include <pthread.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 1;
    pthread_mutex_lock(&m);
    int again = pthread_mutex_timedlock(&m, &limit);
    pthread_mutex_unlock(&m);
    return again == ETIMEDOUT ? 0 : 1;
}
