#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *request(void *arg) { return arg; }

int main(void) {
    for (int i = 0; i < 3; i++) {
        pthread_t t;
        pthread_create(&t, NULL, request, NULL);
        usleep(20000);
    }
    return 0;
}
