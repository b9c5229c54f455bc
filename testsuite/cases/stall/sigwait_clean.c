/* A thread in sigwait is alive: it answers the signal that an alarm brings, and wakes the others. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

static sem_t s;
static sigset_t set;

static void *signals(void *arg) {
    int got;
    sigwait(&set, &got);
    sem_post(&s);
    return arg;
}

static void *waiter(void *arg) {
    sem_wait(&s);
    return arg;
}

int main(void) {
    pthread_t t, u;
    sem_init(&s, 0, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&t, NULL, signals, NULL);
    pthread_create(&u, NULL, waiter, NULL);
    alarm(2);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
