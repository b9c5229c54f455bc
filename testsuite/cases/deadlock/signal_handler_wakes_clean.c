/* Every thread waits, and a signal handler posts the semaphore that ends it. */
// CLEAN
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

static sem_t tick;

static void on_alarm(int signal_number) {
    (void)signal_number;
    sem_post(&tick);
}

static void *waiter(void *arg) {
    while (sem_wait(&tick) && errno == EINTR)
        continue;
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&tick, 0, 0);
    signal(SIGALRM, on_alarm);
    alarm(2);
    pthread_create(&t, NULL, waiter, NULL);
    pthread_join(t, NULL);
    return 0;
}
