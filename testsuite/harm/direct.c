/* What a program can see of its mutexes, with some taken by the library and some by libc: owner, users, refusals,
   contention, condition variables, a fork, a signal handler with locks of its own. Prints nothing that depends on
   timing. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const int kinds[] = {
        PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE};
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, others = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long total;
static int turn;

static void fields(const char *what, const pthread_mutex_t *p) {
    printf("%s: lock %d owner %s users %u kind %d\n", what, p->__data.__lock,
            p->__data.__owner == gettid() ? "me"
            : p->__data.__owner           ? "another"
                                          : "none",
            p->__data.__nusers, p->__data.__kind);
}

static void *try_it(void *p) {
    printf("another's try: %d\n", pthread_mutex_trylock(p));
    return NULL;
}

static void one(pthread_mutex_t *p) {
    pthread_t t;
    pthread_mutex_lock(p);
    fields("locked", p);
    pthread_create(&t, NULL, try_it, p);
    pthread_join(t, NULL);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    if (p->__data.__kind != PTHREAD_MUTEX_RECURSIVE && p->__data.__kind != PTHREAD_MUTEX_ERRORCHECK)
        printf("timed: %d\n", pthread_mutex_timedlock(p, &soon));
    printf("destroy: %d\n", pthread_mutex_destroy(p));
    printf("unlock: %d\n", pthread_mutex_unlock(p));
    fields("unlocked", p);
    printf("try: %d\n", pthread_mutex_trylock(p));
    fields("tried", p);
    pthread_mutex_unlock(p);
}

static void *add(void *p) {
    for (int i = 0; i < 50000; i++) {
        pthread_mutex_lock(p);
        total++;
        pthread_mutex_unlock(p);
        while (pthread_mutex_trylock(p) != 0)
            sched_yield();
        total++;
        pthread_mutex_unlock(p);
    }
    return NULL;
}

static void *ping(void *p) {
    int me = p != NULL;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&m);
        while (turn != me)
            pthread_cond_wait(&c, &m);
        turn = !me;
        pthread_cond_signal(&c);
        pthread_mutex_unlock(&m);
    }
    return NULL;
}

static void crowd(void *(*work)(void *), void *p, int n) {
    pthread_t t[4];
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, work, work == ping ? (i ? p : NULL) : p);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

/* Not what POSIX allows, but what programs do; the lock is never in use by the thread that is interrupted. */
static void on_alarm(int s) {
    (void)s;
    if (pthread_mutex_trylock(&others) == 0) pthread_mutex_unlock(&others);
}

static void interrupted(void) {
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 400000; i++) {
        pthread_mutex_lock(&m);
        total++;
        pthread_mutex_unlock(&m);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    fields("after signals", &m);
    fields("the handler's", &others);
}

static void forked(void) {
    pthread_mutex_lock(&m);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        printf("child unlocks: %d\n", pthread_mutex_unlock(&m));
        pthread_mutex_lock(&m);
        fields("child", &m);
        pthread_mutex_unlock(&m);
        fflush(stdout);
        _exit(pthread_mutex_destroy(&m));
    }
    int status;
    waitpid(child, &status, 0);
    printf("child: %d\n", status);
    fields("parent", &m);
    pthread_mutex_unlock(&m);
}

int main(void) {
    mtx_t plain;
    mtx_init(&plain, mtx_plain);
    one(&m);
    crowd(add, &m, 4);
    one((pthread_mutex_t *)&plain);
    crowd(add, &plain, 4);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        pthread_mutexattr_t a;
        pthread_mutex_t p;
        pthread_mutexattr_init(&a);
        pthread_mutexattr_settype(&a, kinds[i]);
        pthread_mutex_init(&p, &a);
        one(&p);
        crowd(add, &p, 4);
        fields("at the end", &p);
        printf("destroy: %d\n", pthread_mutex_destroy(&p));
    }
    pthread_mutex_init(&m, NULL);
    crowd(ping, &m, 2);
    fields("after waits", &m);
    interrupted();
    forked();
    printf("%ld\n", total);
    return 0;
}
