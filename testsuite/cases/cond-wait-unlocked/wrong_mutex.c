/* Holds one mutex and waits with another. */
#include <pthread.h>
#include <time.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, wrong = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *work(void *arg) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    pthread_mutex_lock(&held);
    pthread_cond_timedwait(&c, &wrong, &limit); // EXPECT(cond-wait-unlocked): waits here
    pthread_mutex_unlock(&wrong);
    pthread_mutex_unlock(&held);
    return arg;
}

// OBJECT(cond-wait-unlocked): wrong
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
