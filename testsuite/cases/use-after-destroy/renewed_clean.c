/* Destroyed and initialised again, dynamically and by assignment of the static initialiser. */
// CLEAN
#include <pthread.h>

static pthread_mutex_t m;

static void *work(void *arg) {
    for (int i = 0; i < 50; i++) {
        if (i % 2) {
            pthread_mutex_init(&m, NULL);
        } else {
            m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        }
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
        pthread_mutex_destroy(&m);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
