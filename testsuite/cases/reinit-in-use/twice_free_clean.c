/* Initialised twice without a use in between: untidy, and harmless. */
// CLEAN
#include <pthread.h>

static pthread_mutex_t m;

static void *work(void *arg) {
    pthread_mutex_init(&m, NULL);
    pthread_mutex_init(&m, NULL);
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
