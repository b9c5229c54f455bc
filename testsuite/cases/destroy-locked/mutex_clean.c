/* Destroyed right after the last unlock, which POSIX allows. */
// CLEAN
#include <pthread.h>
#include <stdlib.h>

struct object {
    pthread_mutex_t lock;
    int references;
};

static void *drop(void *arg) {
    struct object *o = arg;
    pthread_mutex_lock(&o->lock);
    int last = --o->references == 0;
    pthread_mutex_unlock(&o->lock);
    if (last) {
        pthread_mutex_destroy(&o->lock);
        free(o);
    }
    return NULL;
}

int main(void) {
    for (int i = 0; i < 200; i++) {
        pthread_t t[3];
        struct object *o = malloc(sizeof *o);
        pthread_mutex_init(&o->lock, NULL);
        o->references = 3;
        for (int j = 0; j < 3; j++)
            pthread_create(&t[j], NULL, drop, o);
        for (int j = 0; j < 3; j++)
            pthread_join(t[j], NULL);
    }
    return 0;
}
