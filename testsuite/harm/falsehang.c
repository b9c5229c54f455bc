/* A short contended program in many flavours, chosen by its argument: timed waits, cancellation, broadcasts, joins,
 * rwlocks, semaphores. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t m[3] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t b;
static sem_t s;
static int turn, flavour;

static struct timespec soon(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 2000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}

static void unlock(void *lock) {
    pthread_mutex_unlock(lock);
}

static void *nested(void *arg) {
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 3; k++)
            pthread_mutex_lock(&m[k]);
        if (i % 25 == 0) usleep(200);
        for (int k = 3; k-- > 0;)
            pthread_mutex_unlock(&m[k]);
    }
    return arg;
}

static void *relay(void *arg) {
    int me = (int)(long)arg;
    for (int i = 0; i < 40; i++) {
        struct timespec limit = soon();
        pthread_mutex_lock(&m[0]);
        while (turn % 4 != me)
            if (flavour & 8)
                pthread_cond_timedwait(&c, &m[0], &limit), limit = soon();
            else
                pthread_cond_wait(&c, &m[0]);
        turn++;
        pthread_cond_broadcast(&c);
        pthread_mutex_unlock(&m[0]);
    }
    return NULL;
}

static void *mixed(void *arg) {
    for (int i = 0; i < 60; i++) {
        sem_wait(&s);
        if (i % 4)
            pthread_rwlock_rdlock(&l);
        else
            pthread_rwlock_wrlock(&l);
        if (i % 20 == 0) usleep(100);
        pthread_rwlock_unlock(&l);
        sem_post(&s);
        if (i % 30 == 0) pthread_barrier_wait(&b);
    }
    return arg;
}

static void *cancelled(void *arg) {
    pthread_mutex_lock(&m[1]);
    pthread_cleanup_push(unlock, &m[1]);
    for (;;)
        pthread_cond_wait(&c, &m[1]);
    pthread_cleanup_pop(1);
    return arg;
}

int main(int argc, char **argv) {
    void *(*kinds[4])(void *) = {nested, relay, mixed, cancelled};
    pthread_t t[4];
    flavour = argc > 1 ? atoi(argv[1]) : 0;
    sem_init(&s, 0, 2);
    pthread_barrier_init(&b, NULL, 4);
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, kinds[flavour & 3], (void *)i);
    if ((flavour & 3) == 3) {
        usleep(500);
        for (int i = 0; i < 4; i++)
            pthread_cancel(t[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    return 0;
}
