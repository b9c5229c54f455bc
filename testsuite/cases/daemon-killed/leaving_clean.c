/*
 * The work of the threads is over, as they have said, and the process ends while they are on their way out: one by
 * pthread_exit, one by returning from its routine. Destructors of thread-specific data may still run then.
 */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdatomic.h>

static pthread_key_t key;
static atomic_int leaving;

static void destroy(void *value) {
    (void)value;
    atomic_fetch_add(&leaving, 1);
    nap_ms(60000);
}

static void *return_from(void *arg) {
    pthread_setspecific(key, &key);
    return arg;
}

static void *exit_from(void *arg) {
    pthread_setspecific(key, &key);
    pthread_exit(arg);
}

int main(void) {
    pthread_t t;
    pthread_key_create(&key, destroy);
    pthread_create(&t, NULL, return_from, NULL);
    pthread_detach(t);
    pthread_create(&t, NULL, exit_from, NULL);
    pthread_detach(t);
    while (atomic_load(&leaving) < 2)
        nap_ms(1);
    return 0;
}
