/* A thread-local of main whose address escapes to the sellers. */
// MATRIX
// REPEAT: 100
#include <pthread.h>

static __thread int ticket = 100;
static int *shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *sell(void *arg) {
#ifdef LOCKED
    pthread_mutex_lock(&lock);
#endif
    if (*shared > 0) *shared -= 1; // EXPECT(data-race): the counter
#ifdef LOCKED
    pthread_mutex_unlock(&lock);
#endif
    return arg ? &lock : NULL;
}

int main(void) {
    pthread_t t[10];
    shared = &ticket;
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    return ticket < 90 || ticket > 99;
}
