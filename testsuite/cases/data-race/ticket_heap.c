/* The counter is a field of a heap block. */
// MATRIX
// REPEAT: 100
#include <pthread.h>
#include <stdlib.h>

struct desk {
    char name[24];
    int ticket;
    pthread_mutex_t lock;
};

#ifdef LOCKED
#define TAKE(m) pthread_mutex_lock(m)
#define GIVE(m) pthread_mutex_unlock(m)
#else
#define TAKE(m) ((void)(m))
#define GIVE(m) ((void)(m))
#endif

static void *sell(void *arg) {
    struct desk *d = arg;
    TAKE(&d->lock);
    if (d->ticket > 0) d->ticket -= 1; // EXPECT(data-race): the counter
    GIVE(&d->lock);
    return NULL;
}

int main(void) {
    pthread_t t[10];
    struct desk *d = calloc(1, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    d->ticket = 100;
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, d);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    int left = d->ticket;
    free(d);
    return left < 90 || left > 99;
}
