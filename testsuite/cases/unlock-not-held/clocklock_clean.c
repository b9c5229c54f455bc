/* The clock variants take and give back like the others. */
// CLEAN
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static sem_t s;
static int n;

static struct timespec in_ms(clockid_t clock, long ms) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}

static void *work(void *arg) {
    for (int i = 0; i < 200; i++) {
        struct timespec t = in_ms(CLOCK_MONOTONIC, 5000);
        if (pthread_mutex_clocklock(&m, CLOCK_MONOTONIC, &t) == 0) n++, pthread_mutex_unlock(&m);
        if (pthread_rwlock_clockrdlock(&l, CLOCK_MONOTONIC, &t) == 0) pthread_rwlock_unlock(&l);
        if (pthread_rwlock_clockwrlock(&l, CLOCK_REALTIME, &(struct timespec){1L << 40, 0}) == 0)
            pthread_rwlock_unlock(&l);
        if (sem_clockwait(&s, CLOCK_MONOTONIC, &t) == 0) sem_post(&s);
    }
    pthread_mutex_lock(&m);
    struct timespec t = in_ms(CLOCK_MONOTONIC, 20);
    pthread_cond_clockwait(&c, &m, CLOCK_MONOTONIC, &t);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t, u;
    sem_init(&s, 0, 1);
    pthread_create(&t, NULL, work, NULL);
    pthread_create(&u, NULL, work, NULL);
    struct timespec limit = in_ms(CLOCK_MONOTONIC, 10000);
    while (pthread_tryjoin_np(t, NULL))
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    pthread_clockjoin_np(u, NULL, CLOCK_MONOTONIC, &limit);
    return n == 400 ? 0 : 1;
}
