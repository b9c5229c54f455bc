/* What orders memory or is atomic, under sampling: nothing to report. */
// FLAGS: -O2 -g
// CLEAN
// OPTIONS: races=sample
// RUN: counter
// RUN: spin
// RUN: flag
// RUN: queue
// RUN: read
// RUN: neighbours
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 3 };

static atomic_long counter;
static atomic_int own_lock, turn;
static long value, table[64];
static char bytes[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct item {
    struct item *next;
    long payload;
} * head;
static const char *what;
static atomic_int number;

static int used_up(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_nsec / 1000000 + now.tv_sec * 1000 > 700;
}

static void spin(void) {
    while (atomic_exchange(&own_lock, 1))
        continue;
    value++;
    atomic_store(&own_lock, 0);
}

/* Handed round by an atomic variable. */
static void flag(int me) {
    if (atomic_load(&turn) != me) return;
    value++;
    atomic_store(&turn, (me + 1) % THREADS);
}

static void queue(int me) {
    if (me == 0) {
        struct item *n = malloc(sizeof *n);
        n->payload = 1;
        pthread_mutex_lock(&lock);
        n->next = head;
        head = n;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
        return;
    }
    pthread_mutex_lock(&lock);
    struct item *n = head;
    if (n) head = n->next;
    pthread_mutex_unlock(&lock);
    if (!n) return;
    n->payload++;
    free(n);
}

static void once(int me) {
    if (!strcmp(what, "counter")) counter++;
    if (!strcmp(what, "spin")) spin();
    if (!strcmp(what, "flag")) flag(me);
    if (!strcmp(what, "queue")) queue(me);
    if (!strcmp(what, "read"))
        for (int i = 0; i < 64; i++)
            if (((volatile long *)table)[i] != i) abort();
    if (!strcmp(what, "neighbours")) ((volatile char *)bytes)[me]++;
}

static void *run(void *arg) {
    int me = number++;
    while (!used_up())
        for (int i = 0; i < 500; i++)
            once(me);
    return arg;
}

int main(int argc, char **argv) {
    what = argc > 1 ? argv[1] : "counter";
    for (int i = 0; i < 64; i++)
        table[i] = i;
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, run, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    while (head) {
        struct item *next = head->next;
        free(head);
        head = next;
    }
    return 0;
}
