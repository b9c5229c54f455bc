#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_int done;

static void *waiter(void *mutex) {
    pthread_mutex_lock(mutex);
    while (!done) pthread_cond_wait(&changed, mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

int main(void) {
    pthread_t t1, t2;
    pthread_create(&t1, NULL, waiter, &a);
    usleep(100000);
    pthread_create(&t2, NULL, waiter, &b);
    usleep(100000);
    done = 1;
    pthread_cond_broadcast(&changed);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    return 0;
}
