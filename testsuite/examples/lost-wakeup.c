#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;

static void *producer(void *arg) {
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&ready);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, producer, NULL);
    usleep(100000);
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&ready, &lock); /* does not look first */
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    return 0;
}
