/* The seed's ticket program with its lock commented out: ten buyers look and take without anything between them. */
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static int ticket = 10;

static void *buy_ticket(void *arg) {
    nap_ms(20);
    if (ticket > 0) // EXPECT(data-race): look
        ticket--;   // EXPECT(data-race): take
    return arg;
}

int main(void) {
    pthread_t t[10];
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, buy_ticket, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    puts("sold");
    return 0;
}
