#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock;

static void *late(void *arg) {
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_mutex_init(&lock, NULL);
    pthread_mutex_destroy(&lock);
    pthread_create(&t, NULL, late, NULL);
    pthread_join(t, NULL);
    return 0;
}
