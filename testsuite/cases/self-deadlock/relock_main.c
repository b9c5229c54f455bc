/* The same in a program that never makes a thread. */
// HANGS
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): taken here
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): the second request
    pthread_mutex_unlock(&m);
    return 0;
}
