/* Spinning on trylock for as long as another thread works under the lock. */
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *arg) {
    pthread_mutex_lock(&lock);
    step(1);
    nap_ms(1700);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, run, NULL);
    await(1);
    while (pthread_mutex_trylock(&lock)) { // EXPECT(busy-wait): polls
    }
    pthread_mutex_unlock(&lock);
    pthread_join(t, NULL);
    puts("over");
    return 0;
}
