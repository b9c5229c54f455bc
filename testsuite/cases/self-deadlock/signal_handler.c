/* A signal handler takes the lock that the interrupted code holds. */
// HANGS
#include <pthread.h>
#include <signal.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void handler(int signal_number) {
    (void)signal_number;
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): the second request
    pthread_mutex_unlock(&m);
}

int main(void) {
    signal(SIGUSR1, handler);
    pthread_mutex_lock(&m); // EXPECT(self-deadlock): taken here
    raise(SIGUSR1);
    pthread_mutex_unlock(&m);
    return 0;
}
