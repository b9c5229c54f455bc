/* A condition variable signalled after its end. */
#include "step.h"
#include <pthread.h>

static pthread_cond_t c;

static void *late(void *arg) {
    await(1);
    pthread_cond_signal(&c); // EXPECT(use-after-destroy): used here
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_cond_init(&c, NULL);
    pthread_create(&t, NULL, late, NULL);
    pthread_cond_destroy(&c); // EXPECT(use-after-destroy): destroyed here
    step(1);
    pthread_join(t, NULL);
    return 0;
}
