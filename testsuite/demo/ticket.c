/*
 * Ten threads sell a hundred tickets without a lock: `if (tickets_left > 0) tickets_left -= 1` is a load, a test and a store, and two
 * threads may be between them at once. No run needs to go wrong for twatch to find it.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int tickets_left = 100;

static void *sell(void *arg) {
    for (int i = 0; i < 10; i++) {
        if (tickets_left > 0) tickets_left -= 1;
        usleep(100);
    }
    return arg;
}

int main(void) {
    pthread_t seller[10];
    for (int i = 0; i < 10; i++) pthread_create(&seller[i], NULL, sell, NULL);
    for (int i = 0; i < 10; i++) pthread_join(seller[i], NULL);
    printf("%d tickets left\n", tickets_left);
    return 0;
}
