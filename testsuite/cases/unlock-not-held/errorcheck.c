/* The error-checking mutex answers EPERM; it is a mistake all the same. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t m;

static void *nothing(void *arg) {
    return arg;
}

int main(void) {
    pthread_t t;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &attr);
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    int result = pthread_mutex_unlock(&m); // EXPECT(unlock-not-held): nobody has it
    return result == EPERM ? 0 : 1;
}
