/*
 * Threads are cancelled while a signal handler runs over a cancellation point: glibc cancels asynchronously there, in
 * the middle of whatever the handler does. What the program holds afterwards is what it would hold without being
 * watched.
 */
// CLEAN
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 60, THREADS = 4 };

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static sem_t posted;

static void unlock(void *mutex) {
    pthread_mutex_unlock(mutex);
}

static void handler(int signal_number) {
    (void)signal_number;
    sem_post(&posted);
}

static struct timespec soon(long us) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += us * 1000;
    if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, t.tv_sec++;
    return t;
}

static void *victim(void *arg) {
    for (int i = 0; i < 100; i++) {
        struct timespec t = soon(200);
        sem_timedwait(&posted, &t);
        pthread_mutex_lock(&m);
        pthread_cleanup_push(unlock, &m);
        t = soon(200);
        pthread_cond_timedwait(&c, &m, &t);
        pthread_cleanup_pop(1);
    }
    return arg;
}

int main(void) {
    sem_init(&posted, 0, 0);
    signal(SIGUSR1, handler);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t t[THREADS];
        for (int i = 0; i < THREADS; i++)
            pthread_create(&t[i], NULL, victim, NULL);
        usleep(500);
        for (int i = 0; i < THREADS; i++) {
            pthread_kill(t[i], SIGUSR1);
            pthread_cancel(t[i]);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
    }
    return pthread_mutex_trylock(&m) == 0 && pthread_mutex_unlock(&m) == 0 ? 0 : 1;
}
