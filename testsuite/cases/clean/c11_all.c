/* C11 threads used by the book: every kind of mutex, condition variables, thread-specific values, call_once, detach. */
// CLEAN
#include "step.h"
#include <threads.h>
#include <time.h>

static mtx_t plain, timed, recursive;
static cnd_t change;
static tss_t key;
static once_flag once = ONCE_FLAG_INIT;
static int initialised, ready, freed;

static void init(void) {
    initialised++;
}

static void release(void *value) {
    mtx_lock(&plain);
    freed += *(int *)value;
    mtx_unlock(&plain);
}

static struct timespec in_ms(long ms) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    t.tv_nsec += ms * 1000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}

static int work(void *arg) {
    static int one = 1;
    struct timespec later = in_ms(900), soon = in_ms(5);
    (void)arg;
    call_once(&once, init);
    tss_set(key, &one);
    if (mtx_timedlock(&timed, &later) == thrd_success) mtx_unlock(&timed);
    mtx_lock(&recursive);
    if (mtx_trylock(&recursive) == thrd_success) mtx_unlock(&recursive);
    mtx_unlock(&recursive);
    mtx_lock(&plain);
    cnd_timedwait(&change, &plain, &soon);
    while (!ready)
        cnd_wait(&change, &plain);
    mtx_unlock(&plain);
    return 0;
}

static int detached(void *arg) {
    thrd_detach(thrd_current());
    step_next();
    return arg != NULL;
}

int main(void) {
    thrd_t t[3], d;
    mtx_init(&plain, mtx_plain);
    mtx_init(&timed, mtx_timed);
    mtx_init(&recursive, mtx_plain | mtx_recursive);
    cnd_init(&change);
    tss_create(&key, release);
    for (int i = 0; i < 3; i++)
        thrd_create(&t[i], work, NULL);
    thrd_create(&d, detached, NULL);
    thrd_yield();
    await(1);
    nap_ms(30);
    mtx_lock(&plain);
    ready = 1;
    cnd_signal(&change);
    cnd_broadcast(&change);
    mtx_unlock(&plain);
    for (int i = 0; i < 3; i++)
        thrd_join(t[i], NULL);
    tss_delete(key);
    cnd_destroy(&change);
    mtx_destroy(&plain);
    mtx_destroy(&timed);
    mtx_destroy(&recursive);
    return freed == 3 && initialised == 1 ? 0 : 1;
}
