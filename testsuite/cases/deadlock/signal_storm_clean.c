/* Contended locks and condition variables under a storm of signals. */
// CLEAN
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int turn;
static _Atomic int done;

static void nothing(int signal_number) {
    (void)signal_number;
}

static void *player(void *arg) {
    int me = (int)(long)arg;
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(&m);
        while (turn != me)
            pthread_cond_wait(&c, &m);
        turn = !me;
        pthread_cond_broadcast(&c);
        pthread_mutex_unlock(&m);
    }
    done++;
    return NULL;
}

int main(void) {
    pthread_t t[2];
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, player, (void *)i);
    while (done < 2) {
        kill(getpid(), SIGUSR1);
        usleep(200);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return 0;
}
