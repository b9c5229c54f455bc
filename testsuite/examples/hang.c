// RUN: twatch run --timeout=8 -- ./hang
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t cache = PTHREAD_MUTEX_INITIALIZER;

static void *refresh(void *arg) {
    pthread_mutex_lock(&cache);
    sleep(3600); /* an answer from the network, say */
    pthread_mutex_unlock(&cache);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, refresh, NULL);
    usleep(100000);
    pthread_mutex_lock(&cache);
    pthread_mutex_unlock(&cache);
    pthread_join(t, NULL);
    return 0;
}
