// RUN: TWATCH_OPTIONS=races=on twatch run -- ./data-race
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int ticket = 10;

static void *buy(void *arg) {
    if (ticket > 0) ticket--;
    return arg;
}

int main(void) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, buy, NULL);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    printf("%d\n", ticket);
    return 0;
}
