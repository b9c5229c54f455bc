/* Release and acquire, in C11 atomics: a flag, a spin lock, a reference count, a sequence lock, double-checked
 * initialisation. */
// CLEAN
// MATRIX
// RUN: flag
// RUN: spin
// RUN: refcount
// RUN: seqlock
// RUN: once
// RUN: rcu
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *how;
static int data;
static atomic_int flag, lock;
static atomic_uint sequence;
static atomic_int pair[2];
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
struct object {
    atomic_int references;
    int value;
};
static struct object *shared;
static _Atomic(struct object *) published;

static void drop(struct object *o) {
    if (atomic_fetch_sub_explicit(&o->references, 1, memory_order_acq_rel) == 1) {
        o->value = 0;
        free(o);
    }
}

static struct object *instance(void) {
    struct object *o = atomic_load_explicit(&published, memory_order_acquire);
    if (o) return o;
    pthread_mutex_lock(&m);
    o = atomic_load_explicit(&published, memory_order_acquire); /* publish_versions stores without the lock */
    if (!o) {
        o = malloc(sizeof *o);
        o->value = 7;
        atomic_store_explicit(&published, o, memory_order_release);
    }
    pthread_mutex_unlock(&m);
    return o;
}

static void spin_add(void) {
    while (atomic_exchange_explicit(&lock, 1, memory_order_acquire))
        sched_yield();
    data++;
    atomic_store_explicit(&lock, 0, memory_order_release);
}

static void read_pair(void) {
    for (int i = 0; i < 100; i++) {
        unsigned before = atomic_load_explicit(&sequence, memory_order_acquire);
        int a = atomic_load_explicit(&pair[0], memory_order_relaxed),
            b = atomic_load_explicit(&pair[1], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        unsigned after = atomic_load_explicit(&sequence, memory_order_relaxed);
        if (before == after && before % 2 == 0 && a != b) abort();
    }
}

static void write_pair(void) {
    for (int i = 0; i < 100; i++) {
        atomic_fetch_add_explicit(&sequence, 1, memory_order_acq_rel);
        atomic_store_explicit(&pair[0], i, memory_order_relaxed);
        atomic_store_explicit(&pair[1], i, memory_order_relaxed);
        atomic_fetch_add_explicit(&sequence, 1, memory_order_release);
    }
}

static void *child(void *arg) {
    if (strcmp(how, "flag") == 0) {
        while (!atomic_load_explicit(&flag, memory_order_acquire))
            sched_yield();
        data++;
    } else if (strcmp(how, "spin") == 0) {
        for (int i = 0; i < 100; i++)
            spin_add();
    } else if (strcmp(how, "refcount") == 0) {
        if (shared->value != 5) abort();
        drop(shared);
    } else if (strcmp(how, "seqlock") == 0) {
        read_pair();
    } else if (instance()->value != 7) {
        abort();
    }
    return arg;
}

static void publish_versions(void) {
    for (int i = 0; i < 50; i++) {
        struct object *o = malloc(sizeof *o);
        o->value = 7;
        atomic_store_explicit(&published, o, memory_order_release);
    }
}

int main(int argc, char **argv) {
    pthread_t t[2];
    how = argc > 1 ? argv[1] : "flag";
    shared = malloc(sizeof *shared);
    shared->value = 5;
    atomic_init(&shared->references, 3);
    int children = strcmp(how, "flag") ? 2 : 1;
    for (int i = 0; i < children; i++)
        pthread_create(&t[i], NULL, child, NULL);
    if (strcmp(how, "flag") == 0) {
        data = 1;
        atomic_store_explicit(&flag, 1, memory_order_release);
    }
    if (strcmp(how, "spin") == 0) spin_add();
    if (strcmp(how, "refcount") == 0) drop(shared);
    if (strcmp(how, "seqlock") == 0) write_pair();
    if (strcmp(how, "rcu") == 0) publish_versions();
    for (int i = 0; i < children; i++)
        pthread_join(t[i], NULL);
    return 0;
}
