/* Blocks with locks given back before free and realloc. */
// CLEAN
#include <pthread.h>
#include <stdlib.h>

static void *work(void *arg) {
    for (int i = 0; i < 500; i++) {
        pthread_mutex_t *m = malloc(sizeof *m);
        pthread_mutex_init(m, NULL);
        pthread_mutex_lock(m);
        pthread_mutex_unlock(m);
        if (i % 2) pthread_mutex_destroy(m);
        m = realloc(m, 400);
        free(m);
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, work, NULL);
    pthread_create(&u, NULL, work, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
