/* Detached and then joined. */
#include "step.h"
#include <pthread.h>

static void *work(void *arg) {
    await(1);
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_detach(t);     // EXPECT(join-detached): detached here
    pthread_join(t, NULL); // EXPECT(join-detached): joined here
    step(1);
    nap_ms(50);
    return 0;
}
