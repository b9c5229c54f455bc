/* The seed's busy waiting in another dress: waits whose time limit lies in the past, over and over. */
// RUN: semaphore
// RUN: condition
// RUN: mutex
// RUN: join
#define _GNU_SOURCE
#include "step.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, taken = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t none;
static pthread_t worker;
static _Atomic int over, asked, ready;

static void *run(void *arg) {
    pthread_mutex_lock(&taken);
    ready = 1;
    nap_ms(1700);
    while (asked < 4200) /* where many want the processor, a turn of theirs lasts */
        nap_ms(10);
    over = 1;
    pthread_mutex_unlock(&taken);
    return arg;
}

static int ask(const char *how) {
    const struct timespec past = {1, 0};
    if (!strcmp(how, "semaphore")) return sem_timedwait(&none, &past);
    if (!strcmp(how, "condition")) return pthread_cond_timedwait(&never, &lock, &past);
    if (!strcmp(how, "mutex")) return pthread_mutex_timedlock(&taken, &past);
    return pthread_timedjoin_np(worker, NULL, &past);
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "join";
    int rc = 1;
    sem_init(&none, 0, 0);
    pthread_create(&worker, NULL, run, NULL);
    while (!ready)
        nap_ms(1);
    pthread_mutex_lock(&lock);
    while (!over && rc) {
        rc = ask(how); // EXPECT(busy-wait): asks
        asked++;
    }
    pthread_mutex_unlock(&lock);
    if (rc == 0 && !over) return 1; /* the worker may be over between our look and the last question, not before */
    if (rc == 0 && !strcmp(how, "mutex")) pthread_mutex_unlock(&taken);
    if (rc != 0 || strcmp(how, "join")) pthread_join(worker, NULL);
    puts("over");
    return 0;
}
