/* Sizes: threads alive at once and in sequence, locks in all and held, a ring of locks, deep stacks. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t gate;
static pthread_mutex_t counter_lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void count(void) {
    pthread_mutex_lock(&counter_lock);
    counter++;
    pthread_mutex_unlock(&counter_lock);
}

static void *wait_at_gate(void *arg) {
    count();
    sem_wait(&gate);
    return arg;
}

static void *short_life(void *arg) {
    count();
    return arg;
}

static void alive(int n) {
    pthread_t *t = calloc((size_t)n, sizeof *t);
    pthread_attr_t attr;
    int made = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    sem_init(&gate, 0, 0);
    while (made < n && pthread_create(&t[made], &attr, wait_at_gate, NULL) == 0)
        made++;
    for (int i = 0; i < made; i++)
        sem_post(&gate);
    for (int i = 0; i < made; i++)
        pthread_join(t[i], NULL);
    printf("%s\n", made == n ? "all made" : "not all made");
    free(t);
}

static void sequence(int n) {
    for (int i = 0; i < n; i++) {
        pthread_t t;
        if (pthread_create(&t, NULL, short_life, NULL)) exit(1);
        pthread_join(t, NULL);
    }
    printf("%ld lives\n", counter);
}

static pthread_mutex_t *locks;
static int nlocks;

static void *take_all(void *arg) {
    for (int i = 0; i < nlocks; i++) {
        pthread_mutex_lock(&locks[i]);
        pthread_mutex_unlock(&locks[i]);
    }
    return arg;
}

static void *hold_all(void *arg) {
    for (int i = 0; i < nlocks; i++)
        pthread_mutex_lock(&locks[i]);
    for (int i = 0; i < nlocks; i++)
        pthread_mutex_unlock(&locks[i]);
    return arg;
}

static void many(int n, void *(*work)(void *)) {
    pthread_t t[2];
    nlocks = n;
    locks = calloc((size_t)n, sizeof *locks);
    for (int i = 0; i < n; i++)
        pthread_mutex_init(&locks[i], NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("%d locks\n", n);
}

static pthread_mutex_t deep_a = PTHREAD_MUTEX_INITIALIZER, deep_b = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) int dive(int depth, int order) {
    volatile int here = depth;
    if (depth > 0) return dive(depth - 1, order) + (here != depth);
    pthread_mutex_lock(order ? &deep_a : &deep_b);
    pthread_mutex_lock(order ? &deep_b : &deep_a);
    pthread_mutex_unlock(&deep_a);
    pthread_mutex_unlock(&deep_b);
    return 0;
}

static void *diver(void *arg) {
    if (arg) usleep(50000);
    dive(200, arg != NULL);
    return NULL;
}

static void deep(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, diver, NULL);
    pthread_create(&u, NULL, diver, &deep_a);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    printf("deep\n");
}

/* A server's day in short: every request has locks of its own. */
struct request {
    pthread_mutex_t lock;
    pthread_cond_t done;
    sem_t free;
};
static int nrequests;

static void *serve(void *arg) {
    for (int i = 0; i < nrequests; i++) {
        struct request *r = malloc(sizeof *r);
        pthread_mutex_init(&r->lock, NULL);
        pthread_cond_init(&r->done, NULL);
        sem_init(&r->free, 0, 1);
        pthread_mutex_lock(&r->lock);
        pthread_cond_signal(&r->done);
        pthread_mutex_unlock(&r->lock);
        sem_wait(&r->free);
        sem_post(&r->free);
        for (int k = 0; k < 20; k++) count();
        sem_destroy(&r->free);
        pthread_cond_destroy(&r->done);
        pthread_mutex_destroy(&r->lock);
        free(r);
    }
    return arg;
}

/* The same with every request's lock taken under the lock of its table, and another taken under it by a second kind of thread. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static void *serve_nested(void *arg) {
    pthread_mutex_t *slots[64] = {0};
    for (int i = 0; i < nrequests; i++) {
        pthread_mutex_t **r = &slots[i % 64];
        if (*r) pthread_mutex_destroy(*r), free(*r);
        *r = malloc(sizeof **r);
        pthread_mutex_init(*r, NULL);
        if (arg) pthread_mutex_lock(&table_lock);
        pthread_mutex_lock(*r);
        if (!arg) count();
        pthread_mutex_unlock(*r);
        if (arg) pthread_mutex_unlock(&table_lock);
        count();
    }
    return NULL;
}

static void day(int n, void *(*work)(void *)) {
    pthread_t t[4];
    nrequests = n / 4;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, work, i % 2 ? &table_lock : NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    printf("%ld\n", counter);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 1000;
    if (!strcmp(mode, "alive"))
        alive(n);
    else if (!strcmp(mode, "sequence"))
        sequence(n);
    else if (!strcmp(mode, "locks"))
        many(n, take_all);
    else if (!strcmp(mode, "held"))
        many(n, hold_all);
    else if (!strcmp(mode, "deep"))
        deep();
    else if (!strcmp(mode, "day"))
        day(n, serve);
    else if (!strcmp(mode, "nested"))
        day(n, serve_nested);
    else
        return 2;
    return 0;
}
