/* A handler that interrupts anything, also a lock call, and takes locks of its own that the interrupted code never
 * takes. */
// CLEAN
// OPTIONS: races=on
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER, handlers = PTHREAD_MUTEX_INITIALIZER;
static sem_t posted;
static atomic_int hits, done;

static void handler(int signal_number) {
    (void)signal_number;
    if (pthread_mutex_trylock(&handlers) == 0) pthread_mutex_unlock(&handlers);
    sem_post(&posted);
    hits++;
}

static void *work(void *arg) {
    while (!done) {
        pthread_mutex_lock(&busy);
        pthread_mutex_unlock(&busy);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&posted, 0, 0);
    signal(SIGUSR2, handler);
    pthread_create(&t, NULL, work, NULL);
    for (int i = 0; i < 500; i++)
        pthread_kill(t, SIGUSR2), usleep(50);
    done = 1;
    pthread_join(t, NULL);
    return hits > 0 ? 0 : 1;
}
