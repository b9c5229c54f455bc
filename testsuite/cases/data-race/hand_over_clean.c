/* What one thread has written is handed to the next by each primitive in turn. */
// CLEAN
// ALLOW(daemon-killed)
// RUN: sem
// RUN: barrier
// RUN: cond
// RUN: mutex
// RUN: rwlock
// RUN: spin
// RUN: create
// RUN: detach
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

static int data, flag;
static sem_t s, end;
static pthread_barrier_t b;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t p;
static const char *how;

static int is(const char *name) {
    return strcmp(how, name) == 0;
}

static void put(void) {
    if (is("sem")) sem_post(&s);
    if (is("barrier")) pthread_barrier_wait(&b);
    if (is("cond")) {
        pthread_mutex_lock(&m);
        flag = 1;
        pthread_cond_signal(&c);
        pthread_mutex_unlock(&m);
    }
    if (is("detach")) sem_post(&end);
}

static void get(void) {
    if (is("sem")) sem_wait(&s);
    if (is("barrier")) pthread_barrier_wait(&b);
    if (is("cond")) {
        pthread_mutex_lock(&m);
        while (!flag)
            pthread_cond_wait(&c, &m);
        pthread_mutex_unlock(&m);
    }
}

static void add(void) {
    if (is("mutex")) pthread_mutex_lock(&m);
    if (is("rwlock")) pthread_rwlock_wrlock(&l);
    if (is("spin")) pthread_spin_lock(&p);
    data++;
    if (is("mutex")) pthread_mutex_unlock(&m);
    if (is("rwlock")) pthread_rwlock_unlock(&l);
    if (is("spin")) pthread_spin_unlock(&p);
}

static void *child(void *arg) {
    get();
    add();
    put();
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t;
    how = argc > 1 ? argv[1] : "create";
    sem_init(&s, 0, 0);
    sem_init(&end, 0, 0);
    pthread_spin_init(&p, 0);
    pthread_barrier_init(&b, NULL, 2);
    data = 1;
    if (is("detach")) {
        pthread_create(&t, NULL, child, NULL);
        pthread_detach(t);
        sem_wait(&end);
        return data != 2;
    }
    pthread_create(&t, NULL, child, NULL);
    if (is("mutex") || is("rwlock") || is("spin") || is("sem") || is("cond")) {
        if (is("sem") || is("cond"))
            data++;
        else
            add();
    }
    put();
    if (is("barrier")) get();
    pthread_join(t, NULL);
    return data < 2;
}
