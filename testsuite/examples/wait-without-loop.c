// RUN: TWATCH_OPTIONS=spurious_wakeups=on twatch run --fail-on=note -- ./wait-without-loop
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int jobs;

static void *worker(void *arg) {
    pthread_mutex_lock(&lock);
    if (jobs == 0) pthread_cond_wait(&filled, &lock); /* while */
    jobs--;
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    usleep(100000);
    pthread_mutex_lock(&lock);
    jobs++;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    return 0;
}
