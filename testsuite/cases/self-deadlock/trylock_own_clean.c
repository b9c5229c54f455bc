/* Trying for a lock that one holds fails and harms nobody. */
// CLEAN
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
    pthread_mutex_lock(&m);
    int again = pthread_mutex_trylock(&m);
    pthread_mutex_unlock(&m);
    return again == EBUSY ? 0 : 1;
}
