/* Correct hand-overs that lock sets alone would call races. */
// CLEAN
// MATRIX
// OPTIONS: hybrid=1
// RUN: common
// RUN: join
// RUN: semaphore
// RUN: condition
// RUN: queue
// RUN: busy
// RUN: last
// RUN: finished
// RUN: meeting
// RUN: gate
// RUN: config
// RUN: pool
// RUN: own
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3, ROUNDS = 40 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int value, ready, busy, finished, arrived, generation;
static int results[THREADS];
static atomic_int own_lock;

static void unrelated(void) {
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
}

static void *common(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        value++;
        pthread_mutex_unlock(&lock);
        unrelated();
    }
    return arg;
}

static void *join_child(void *arg) {
    value++;
    unrelated();
    return arg;
}

static void *semaphore(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        unrelated();
        sem_wait(&sem);
        value++;
        sem_post(&sem);
        unrelated();
    }
    return arg;
}

/* The predicate may hold already: then nobody waits, and the mutex alone orders. */
static void *waiter(void *arg) {
    if (arg) usleep(30000);
    pthread_mutex_lock(&lock);
    while (!ready)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&other);
    results[arg != NULL] = value;
    pthread_mutex_unlock(&other);
    return arg;
}

static void signaller(void) {
    usleep(10000);
    value = 7;
    pthread_mutex_lock(&lock);
    ready = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

struct item {
    struct item *next;
    int payload;
};
static struct item *head;

static void put(struct item *i) {
    pthread_mutex_lock(&lock);
    i->next = head;
    head = i;
    pthread_mutex_unlock(&lock);
}

static struct item *take(void) {
    pthread_mutex_lock(&lock);
    struct item *i = head;
    if (i) head = i->next;
    pthread_mutex_unlock(&lock);
    return i;
}

static void *producer(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        struct item *n = malloc(sizeof *n);
        n->payload = i;
        put(n);
    }
    return arg;
}

static void *consumer(void *arg) {
    for (int got = 0; got < ROUNDS;) {
        struct item *n = take();
        if (!n) {
            usleep(100);
            continue;
        }
        n->payload++;
        free(n);
        got++;
    }
    return arg;
}

/* Items that go round and are used by whoever has one. */
static void *pool(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        struct item *n = take();
        if (!n) continue;
        n->payload++;
        put(n);
    }
    return arg;
}

/* A lock of the program's own making, of a flag under a mutex. */
static void *busy_flag(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        while (busy)
            pthread_cond_wait(&changed, &lock);
        busy = 1;
        pthread_mutex_unlock(&lock);
        value++;
        pthread_mutex_lock(&lock);
        busy = 0;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

struct shared {
    int references, uses[THREADS];
};

/* Who gives back the last reference tidies up. */
static void *last_one(void *arg) {
    struct shared *s = arg;
    static atomic_int number;
    s->uses[number++ % THREADS]++;
    pthread_mutex_lock(&lock);
    int last = --s->references == 0;
    pthread_mutex_unlock(&lock);
    if (last) {
        for (int i = 0; i < THREADS; i++)
            value += s->uses[i];
        free(s);
    }
    return NULL;
}

static void *worker(void *arg) {
    results[(intptr_t)arg] = 1;
    pthread_mutex_lock(&lock);
    finished++;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int all_finished(void) {
    pthread_mutex_lock(&lock);
    int all = finished == THREADS;
    pthread_mutex_unlock(&lock);
    return all;
}

/* A barrier of the program's own making. */
static void meet(void) {
    pthread_mutex_lock(&lock);
    int mine = generation;
    if (++arrived == THREADS) {
        arrived = 0;
        generation++;
        pthread_cond_broadcast(&changed);
    } else {
        while (generation == mine)
            pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void *meeting(void *arg) {
    intptr_t me = (intptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (results[(me + 1) % THREADS] != i) abort();
        meet();
        results[(me + 2) % THREADS] = i + 1;
        meet();
    }
    return NULL;
}

static void *through_gate(void *arg) {
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&other);
    results[0] += value;
    pthread_mutex_unlock(&other);
    return arg;
}

static int *config;

static void *reader(void *arg) {
    int *mine = NULL;
    while (!mine) {
        pthread_rwlock_rdlock(&rwlock);
        mine = config;
        pthread_rwlock_unlock(&rwlock);
        usleep(200);
    }
    results[(intptr_t)arg] = *mine;
    return NULL;
}

static void *own(void *arg) {
    for (int i = 0; i < ROUNDS; i++) {
        while (atomic_exchange(&own_lock, 1))
            usleep(50);
        value++;
        atomic_store(&own_lock, 0);
        unrelated();
    }
    return arg;
}

static pthread_t started[THREADS];
static int nstarted;

static void start(void *(*routine)(void *), void *arg) {
    pthread_create(&started[nstarted++], NULL, routine, arg);
}

static void start_all(void *(*routine)(void *), void *arg) {
    for (int i = 0; i < THREADS; i++)
        start(routine, arg);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "common";
    if (!strcmp(what, "common")) start_all(common, NULL);
    if (!strcmp(what, "own")) start_all(own, NULL);
    if (!strcmp(what, "busy")) start_all(busy_flag, NULL);
    if (!strcmp(what, "join")) {
        value = 1;
        unrelated();
        start(join_child, NULL);
        pthread_join(started[--nstarted], NULL);
        value++;
        start(join_child, NULL);
    }
    if (!strcmp(what, "semaphore")) {
        sem_init(&sem, 0, 1);
        start_all(semaphore, NULL);
    }
    if (!strcmp(what, "condition")) {
        start(waiter, NULL);
        start(waiter, &value);
        signaller();
    }
    if (!strcmp(what, "queue")) {
        start(producer, NULL);
        start(consumer, NULL);
    }
    if (!strcmp(what, "pool")) {
        for (int i = 0; i < 2; i++)
            put(calloc(1, sizeof(struct item)));
        start_all(pool, NULL);
    }
    if (!strcmp(what, "last")) {
        struct shared *s = calloc(1, sizeof *s);
        s->references = THREADS;
        start_all(last_one, s);
    }
    if (!strcmp(what, "finished")) {
        for (int i = 0; i < THREADS; i++)
            start(worker, (void *)(intptr_t)i);
        while (!all_finished())
            usleep(200);
        for (int i = 0; i < THREADS; i++)
            value += results[i];
    }
    if (!strcmp(what, "meeting"))
        for (int i = 0; i < THREADS; i++)
            start(meeting, (void *)(intptr_t)i);
    if (!strcmp(what, "gate")) {
        pthread_mutex_lock(&lock);
        start_all(through_gate, NULL);
        value = 3;
        pthread_mutex_unlock(&lock);
    }
    if (!strcmp(what, "config")) {
        for (int i = 0; i < THREADS; i++)
            start(reader, (void *)(intptr_t)i);
        int *made = malloc(sizeof *made);
        *made = 5;
        pthread_rwlock_wrlock(&rwlock);
        config = made;
        pthread_rwlock_unlock(&rwlock);
    }
    for (int i = 0; i < nstarted; i++)
        pthread_join(started[i], NULL);
    return 0;
}
