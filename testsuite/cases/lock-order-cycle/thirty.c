/* A cycle of thirty locks over thirty threads: found, and every edge shown. */
#include "step.h"
#include <pthread.h>

enum { N = 30 };
static pthread_mutex_t ring[N];

static void *link_two(void *arg) {
    int i = (int)(long)arg;
    await(i);
    pthread_mutex_lock(&ring[i]);           // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&ring[(i + 1) % N]); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&ring[(i + 1) % N]);
    pthread_mutex_unlock(&ring[i]);
    step(i + 1);
    return NULL;
}

// STEPS(lock-order-cycle): 60
// THREADS(lock-order-cycle): 30
int main(void) {
    pthread_t t[N];
    for (int i = 0; i < N; i++)
        pthread_mutex_init(&ring[i], NULL);
    for (long i = 0; i < N; i++)
        pthread_create(&t[i], NULL, link_two, (void *)i);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    return 0;
}
