#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void *slow(void *arg) {
    usleep(500000);
    return arg;
}

int main(void) {
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, slow, NULL);
    for (int i = 0; i < 3; i++) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
        pthread_clockjoin_np(t[i], NULL, CLOCK_MONOTONIC, &until);
    }
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    return 0;
}
