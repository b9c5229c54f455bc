#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *task(void *arg) {
    ++*(long *)arg;
    return NULL;
}

int main(void) {
    long sum = 0;
    for (int i = 0; i < 5000; i++) {
        pthread_t t;
        pthread_create(&t, NULL, task, &sum);
        pthread_join(t, NULL);
    }
    printf("%ld\n", sum);
    return 0;
}
