/* Locks taken and given back in exit handlers and static destructors. */
// CLEAN
// COUNT(lock-held-at-exit): 0
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void locked_section(void) {
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
}

__attribute__((constructor)) static void early(void) {
    locked_section();
    atexit(locked_section);
}

__attribute__((destructor)) static void late(void) {
    locked_section();
}

static void *work(void *arg) {
    locked_section();
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
