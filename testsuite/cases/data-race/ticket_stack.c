/* The counter is a local variable of main, shared by its address. */
// MATRIX
// REPEAT: 100
// OBJECT(data-race): ticket (on the stack of the main thread, in main)
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *sell(void *arg) {
    int *ticket = arg;
#ifdef LOCKED
    pthread_mutex_lock(&lock);
#endif
    if (*ticket > 0) *ticket -= 1; // EXPECT(data-race): the counter
#ifdef LOCKED
    pthread_mutex_unlock(&lock);
#endif
    return &lock;
}

int main(void) {
    pthread_t t[10];
    int ticket = 100;
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, &ticket);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    return ticket < 90 || ticket > 99;
}
