/* Zeroed memory is PTHREAD_MUTEX_INITIALIZER on this platform, and many programs live by it. */
// CLEAN
#include <pthread.h>
#include <stdlib.h>

struct object {
    pthread_mutex_t m;
    pthread_cond_t c;
    pthread_rwlock_t l;
};

static void *work(void *arg) {
    struct object *o = calloc(1, sizeof *o);
    pthread_mutex_lock(&o->m);
    pthread_cond_signal(&o->c);
    pthread_mutex_unlock(&o->m);
    pthread_rwlock_rdlock(&o->l);
    pthread_rwlock_unlock(&o->l);
    free(o);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
