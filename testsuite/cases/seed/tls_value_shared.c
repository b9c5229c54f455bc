/* The value of a thread-specific key given to another thread: the report says whose it is. */
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key; // MESSAGE(data-race): the value of thread-specific key
static int *shared;

__attribute__((noinline)) static void add(int *counter) {
    if (*counter >= 0) *counter += 1; // EXPECT(data-race): both
}

static void *other(void *unused) {
    nap_ms(50);
    add(shared);
    return unused;
}

int main(void) {
    pthread_t a, b;
    pthread_key_create(&key, free);
    shared = calloc(1, sizeof *shared);
    pthread_setspecific(key, shared);
    pthread_create(&a, NULL, other, NULL);
    pthread_create(&b, NULL, other, NULL);
    add(pthread_getspecific(key));
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    free(pthread_getspecific(key));
    pthread_setspecific(key, NULL);
    puts("done");
    return 0;
}
