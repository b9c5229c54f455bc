/* An error-checking mutex answers EDEADLK, and the program goes by that. */
// CLEAN
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

int main(void) {
    pthread_mutex_t m;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &attr);
    pthread_mutex_lock(&m);
    int again = pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    return again == EDEADLK ? pthread_mutex_destroy(&m) : 1;
}
