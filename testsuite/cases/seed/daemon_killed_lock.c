/* A daemon thread that the process ends in the middle of a critical section: what the lock protects is left half done.
 */
// SEVERITY(daemon-killed): error
// MESSAGE(daemon-killed): while it held mutex lock, for
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int balance_a = 100, balance_b;

static void *worker(void *arg) {
    (void)arg;
    pthread_mutex_lock(&lock); // EXPECT(daemon-killed): holds
    balance_a -= 10;
    step(1);
    nap_ms(20000);
    balance_b += 10;
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, worker, NULL);
    pthread_detach(t);
    await(1);
    nap_ms(30);
    puts("main thread end");
    return 0;
}
