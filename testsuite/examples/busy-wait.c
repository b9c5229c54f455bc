#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&lock);
    usleep(2000000);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, holder, NULL);
    usleep(50000);
    while (pthread_mutex_trylock(&lock)) {
    }
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    return 0;
}
