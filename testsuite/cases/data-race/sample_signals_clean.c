/* A program that uses SIGTRAP itself, blocks all signals, closes all descriptors, forks, and makes threads while it is sampled. */
// CLEAN
// OPTIONS: races=sample
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t traps;
static atomic_int stop;
static atomic_long shared;

static void on_trap(int number, siginfo_t *info, void *context) {
    (void)info, (void)context;
    traps += number == SIGTRAP;
}

static void *work(void *arg) {
    if (arg) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
    }
    volatile long mine = 0;
    while (!stop)
        shared += ++mine & 1;
    return NULL;
}

static void nap(long ms) {
    struct timespec t = {0, ms * 1000000};
    while (nanosleep(&t, &t))
        continue;
}

static int child(void) {
    pthread_t t;
    stop = 0;
    pthread_create(&t, NULL, work, NULL);
    nap(20);
    stop = 1;
    pthread_join(t, NULL);
    return 7;
}

int main(void) {
    struct sigaction action = {.sa_flags = SA_SIGINFO}, now;
    action.sa_sigaction = on_trap;
    sigaction(SIGTRAP, &action, NULL);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, i == 2 ? &t : NULL);
    nap(100);
    for (int i = 0; i < 50; i++) {
        raise(SIGTRAP);
        __asm__ volatile("int3");
    }
    sigaction(SIGTRAP, NULL, &now);
    if (now.sa_sigaction != on_trap || traps != 100) return 1;
    for (int i = 0; i < 5; i++) {
        pid_t p = fork();
        if (p == 0) _exit(child());
        int status;
        while (waitpid(p, &status, 0) < 0 && errno == EINTR)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) return 2;
    }
    for (int i = 3; i < 1100; i++)
        close(i);
    nap(100);
    if (system("exit 3") >> 8 != 3) return 3;
    close_range(3, ~0u, 0);
    nap(100);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
