/* The seed's ticket counter: a global that ten threads test and decrement. */
// MATRIX
// REPEAT: 100
// OBJECT(data-race): tickets_left
#include <pthread.h>

static int tickets_left = 100;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
extern int locked;

static void *sell(void *arg) {
    if (locked) pthread_mutex_lock(&lock);
    if (tickets_left > 0) tickets_left -= 1; // EXPECT(data-race): the counter
    if (locked) pthread_mutex_unlock(&lock);
    return arg;
}

#ifdef LOCKED
int locked = 1;
#else
int locked = 0;
#endif

int main(void) {
    pthread_t t[10];
    for (int i = 0; i < 10; i++)
        pthread_create(&t[i], NULL, sell, NULL);
    for (int i = 0; i < 10; i++)
        pthread_join(t[i], NULL);
    return tickets_left > 99;
}
