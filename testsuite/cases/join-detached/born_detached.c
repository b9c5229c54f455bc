/* Created detached. */
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    await(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_create(&t, &attr, work, NULL);
    pthread_join(t, NULL); // EXPECT(join-detached): joined here
    step(1);
    nap_ms(50);
    return 0;
}
