/* Joined by whatever way: join, tryjoin, detach before and after the end, created detached, joined by another thread.
 */
// CLEAN
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    return arg;
}
static pthread_t handed;

static void *join_it(void *arg) {
    pthread_join(handed, NULL);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_create(&t, &attr, work, NULL);
    pthread_create(&t, NULL, work, NULL);
    pthread_detach(t);
    pthread_create(&t, NULL, work, NULL);
    nap_ms(50);
    pthread_detach(t);
    pthread_create(&t, NULL, work, NULL);
    while (pthread_tryjoin_np(t, NULL))
        nap_ms(5);
    pthread_create(&handed, NULL, work, NULL);
    pthread_create(&t, NULL, join_it, NULL);
    pthread_join(t, NULL);
    nap_ms(50);
    return 0;
}
