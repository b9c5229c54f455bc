#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *worker(void *arg) {
    printf("%d\n", pthread_join(pthread_self(), NULL));
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_join(t, NULL);
    return 0;
}
