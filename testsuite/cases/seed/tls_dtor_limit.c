/* A destructor that sets the value again: after PTHREAD_DESTRUCTOR_ITERATIONS rounds the system gives up, and the value
 * is lost. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t local;
static _Atomic int rounds;

static void again(void *value) {
    free(value);
    rounds++;
    pthread_setspecific(local, malloc(16)); // EXPECT(tls-destructor-limit): set again
}

static void *func(void *arg) {
    pthread_setspecific(local, malloc(16));
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_key_create(&local, again);
    pthread_create(&t, NULL, func, NULL);
    pthread_join(t, NULL);
    printf("%s\n", rounds >= 4 ? "destructor ran to the limit" : "?");
    return 0;
}
