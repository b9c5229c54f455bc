#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *worker(void *arg) {
    usleep(200000);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_detach(t);
    printf("%d\n", pthread_join(t, NULL));
    usleep(300000);
    return 0;
}
