/* Asked for twice by the same thread, which a recursive mutex allows. */
// CLEAN
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t resource;

static void inner(void) {
    pthread_mutex_lock(&resource);
    pthread_mutex_unlock(&resource);
}

int main(void) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&resource, &attr);
    pthread_mutex_lock(&resource);
    inner();
    pthread_mutex_unlock(&resource);
    pthread_mutex_destroy(&resource);
    puts("done");
    return 0;
}
