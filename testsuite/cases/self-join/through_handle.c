/* The handle was handed around until it came to its own thread. */
#include "step.h"
#include <pthread.h>

static pthread_t worker;

static void *work(void *arg) {
    await(1);
    pthread_join(worker, NULL); // EXPECT(self-join): its own handle
    step(2);
    return arg;
}

int main(void) {
    pthread_create(&worker, NULL, work, NULL);
    step(1);
    await(2);
    pthread_join(worker, NULL);
    return 0;
}
