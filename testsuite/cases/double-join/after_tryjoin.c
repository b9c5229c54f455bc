/* pthread_tryjoin_np had joined it already. */
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    nap_ms(100);
    int busy = pthread_tryjoin_np(t, NULL); // EXPECT(double-join): the first
    pthread_join(t, NULL);                  // EXPECT(double-join): the second
    return busy;
}
