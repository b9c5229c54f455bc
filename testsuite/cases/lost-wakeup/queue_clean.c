/* A queue whose producer signals on every put, mostly into the void because the consumer is busy. */
// CLEAN
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int queued, eaten;

static void *consume(void *arg) {
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&m);
        while (!queued)
            pthread_cond_wait(&c, &m);
        queued--;
        eaten++;
        pthread_mutex_unlock(&m);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, consume, NULL);
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&m);
        queued++;
        pthread_cond_signal(&c);
        pthread_mutex_unlock(&m);
    }
    pthread_join(t, NULL);
    return eaten == 2000 ? 0 : 1;
}
