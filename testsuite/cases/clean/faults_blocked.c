/*
 * Threads that block all signals, SIGSEGV among them, and use memory whose shadow cannot be had, because the program's
 * own mappings lie where it would be. The mask that they see is the one that they asked for; a SIGSEGV that is sent
 * comes when it is unblocked, and one of an instruction kills.
 */
// CLEAN
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20, ROUNDS = 64 };
static volatile int *apart[2]; /* no element is used by two threads */
static volatile sig_atomic_t taken;

static void on_fault(int number) {
    (void)number;
    taken++;
}

static int blocked(void) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGSEGV);
}

static int *at(uintptr_t address, int protection) {
    void *p = mmap((void *)address, SIZE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *worker(void *arg) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    volatile int *mine = apart[(intptr_t)arg];
    for (int i = 0; mine && i < ROUNDS; i++)
        mine[i * 1024] += mine[(i + 1) * 1024] + 1;
    pthread_kill(pthread_self(), SIGSEGV);
    int good = blocked() && taken == (sig_atomic_t)(intptr_t)arg;
    sigset_t fault;
    sigemptyset(&fault);
    sigaddset(&fault, SIGSEGV);
    pthread_sigmask(SIG_UNBLOCK, &fault, NULL);
    good = good && !blocked() && taken == (sig_atomic_t)(intptr_t)arg + 1;
    sigprocmask(SIG_BLOCK, &fault, NULL);
    return (void *)(intptr_t)(good && blocked());
}

static int dies(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        *(volatile int *)16 = 1;
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

int main(void) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    at(0x3e0000000000, PROT_NONE);
    apart[0] = at(0x3a0000000000, PROT_READ | PROT_WRITE);
    apart[1] = at(0x3b0000000000, PROT_READ | PROT_WRITE);
    at(0x3f0000000000, PROT_NONE);
    signal(SIGSEGV, on_fault);
    pthread_sigmask(SIG_SETMASK, &all, NULL); /* before the first thread */
    int good = 1;
    for (intptr_t i = 0; i < 2; i++) {
        pthread_t t;
        void *said = NULL;
        pthread_create(&t, NULL, worker, (void *)i);
        pthread_join(t, &said);
        good = good && said != NULL;
    }
    good = good && blocked();
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    good = good && !blocked() && dies();
    puts(good ? "good" : "bad");
    return !good;
}
