/* Spinning with sched_yield: polite to others, and a processor burnt all the same. */
#include "step.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

static _Atomic int over, asked;

static void *run(void *arg) {
    nap_ms(1700);
    while (asked < 2100) /* where many want the processor, a turn of theirs lasts */
        nap_ms(10);
    over = 1;
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, run, NULL);
    while (!over) {
        sched_yield(); // EXPECT(busy-wait): polls
        asked++;
    }
    pthread_join(t, NULL);
    puts("over");
    return 0;
}
