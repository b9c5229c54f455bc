/* Recursive mutexes may be taken again. */
// CLEAN
#include <pthread.h>
#include <stddef.h>

int main(void) {
    pthread_mutex_t m;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m, &attr);
    for (int i = 0; i < 50; i++)
        pthread_mutex_lock(&m);
    for (int i = 0; i < 50; i++)
        pthread_mutex_unlock(&m);
    return pthread_mutex_destroy(&m);
}
