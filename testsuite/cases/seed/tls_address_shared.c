/* The address of a thread-local given to another thread: it is not the other's own, and nothing orders the two. */
// OPTIONS: races=on
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static __thread int mine;

__attribute__((noinline)) static void add(int *counter) {
    if (*counter >= 0) *counter += 1; // EXPECT(data-race): both
}

static void *other(void *counter) {
    add(counter);
    return NULL;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, other, &mine);
    pthread_create(&b, NULL, other, &mine);
    nap_ms(50);
    add(&mine);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    puts("done");
    return 0;
}
