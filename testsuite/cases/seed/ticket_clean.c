/* The seed's ticket program with its lock. */
// CLEAN
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t locks = PTHREAD_MUTEX_INITIALIZER;
static int ticket = 10;

static void *buy_ticket(void *arg) {
    nap_ms(20);
    pthread_mutex_lock(&locks);
    if (ticket > 0) ticket--;
    pthread_mutex_unlock(&locks);
    return arg;
}

int main(void) {
    pthread_t t[10];
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, buy_ticket, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    printf("%d left\n", ticket);
    return 0;
}
