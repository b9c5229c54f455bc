/* A mutex in a heap block that was filled with something else and never initialised. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *work(void *arg) {
    pthread_mutex_t *m = malloc(sizeof *m);
    memset(m, 0xa5, sizeof *m);
    int result = pthread_mutex_trylock(m); // EXPECT(use-uninitialized): used here
    free(m);
    return result ? arg : NULL;
}

// ALLOW(free-locked, lock-held-at-thread-exit)
int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    return 0;
}
