/* Producer and consumer both wait for the other to begin. */
// HANGS
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER, empty = PTHREAD_COND_INITIALIZER;
static int items, slots;

static void *consume(void *arg) {
    pthread_mutex_lock(&m);
    while (!items)
        pthread_cond_wait(&full, &m); // EXPECT(stall): waits here
    slots++;
    pthread_cond_signal(&empty);
    pthread_mutex_unlock(&m);
    return arg;
}

static void *produce(void *arg) {
    pthread_mutex_lock(&m);
    while (!slots)
        pthread_cond_wait(&empty, &m); // EXPECT(stall): waits here
    items++;
    pthread_cond_signal(&full);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, consume, NULL);
    pthread_create(&u, NULL, produce, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
