/* Waits in loops, as they should be: plain, over two conditions, with another lock inside, in C11; and one with a time
 * limit. */
// OPTIONS: spurious_wakeups=on
// CLEAN
// COUNT(wait-without-loop): 0
#include "step.h"
#include <pthread.h>
#include <threads.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER, d = PTHREAD_COND_INITIALIZER;
static int items, room;
static mtx_t cm;
static cnd_t cc;
static int flag;

static void *consumer(void *arg) {
    struct timespec until;
    pthread_mutex_lock(&m);
    step(1);
    while (items == 0)
        pthread_cond_wait(&c, &m);
    items--;
    while (room == 0) {
        pthread_cond_wait(&d, &m);
        pthread_mutex_lock(&other);
        pthread_mutex_unlock(&other);
    }
    clock_gettime(CLOCK_REALTIME, &until);
    pthread_cond_timedwait(&d, &m, &until);
    pthread_mutex_unlock(&m);
    mtx_lock(&cm);
    step(2);
    while (!flag)
        cnd_wait(&cc, &cm);
    mtx_unlock(&cm);
    return arg;
}

int main(void) {
    pthread_t t;
    mtx_init(&cm, mtx_plain);
    cnd_init(&cc);
    pthread_create(&t, NULL, consumer, NULL);
    await(1);
    pthread_mutex_lock(&m);
    items++;
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    nap_ms(20);
    pthread_mutex_lock(&m);
    room = 1;
    pthread_cond_signal(&d);
    pthread_mutex_unlock(&m);
    await(2);
    mtx_lock(&cm);
    flag = 1;
    cnd_signal(&cc);
    mtx_unlock(&cm);
    pthread_join(t, NULL);
    return 0;
}
