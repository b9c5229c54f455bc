/* Every thread takes its two locks in address order. */
// CLEAN
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

static pthread_mutex_t locks[8];

static void *worker(void *arg) {
    unsigned seed = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < 500; i++) {
        int a = rand_r(&seed) % 8, b = rand_r(&seed) % 8;
        if (a == b) continue;
        pthread_mutex_lock(&locks[a < b ? a : b]);
        pthread_mutex_lock(&locks[a < b ? b : a]);
        pthread_mutex_unlock(&locks[a]);
        pthread_mutex_unlock(&locks[b]);
    }
    return NULL;
}

int main(void) {
    pthread_t t[4];
    for (int i = 0; i < 8; i++)
        pthread_mutex_init(&locks[i], NULL);
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, worker, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 8; i++)
        pthread_mutex_destroy(&locks[i]);
    return 0;
}
