/* A key that is used after it was deleted: the number may belong to another module by now. */
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static pthread_key_t local;
static int value;

static void *func(void *arg) {
    await(1);
    int rc = pthread_setspecific(local, &value); // EXPECT(tls-key-after-delete): set after delete
    if (rc) puts("no such key");
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_key_create(&local, NULL);
    pthread_create(&t, NULL, func, NULL);
    pthread_key_delete(local);
    step(1);
    pthread_join(t, NULL);
    return 0;
}
