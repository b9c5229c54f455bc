#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;

static void *writer(void *arg) {
    pthread_mutex_lock(&journal);
    usleep(5000000); /* half of the entry is written */
    pthread_mutex_unlock(&journal);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, writer, NULL);
    pthread_detach(t);
    usleep(100000);
    return 0;
}
