/* The kernels of the benchmark, one a mode: kernels MODE N prints a checksum; the driver times the process. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static sem_t s;
static long n, total;
static int turn;

static void *pair(void *arg) {
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&a);
        total++;
        pthread_mutex_unlock(&a);
    }
    return arg;
}

static void *nested(void *arg) {
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&a);
        pthread_mutex_lock(&b);
        total++;
        pthread_mutex_unlock(&b);
        pthread_mutex_unlock(&a);
    }
    return arg;
}

static void *reads(void *arg) {
    long sum = 0;
    for (long i = 0; i < n; i++) {
        pthread_rwlock_rdlock(&l);
        sum += total;
        pthread_rwlock_unlock(&l);
    }
    return sum == -1 ? arg : NULL;
}

static void *semaphore(void *arg) {
    for (long i = 0; i < n; i++) {
        sem_wait(&s);
        total++;
        sem_post(&s);
    }
    return arg;
}

/* Each takes the lock that the other gives back: a hand-over every time. */
static pthread_mutex_t ring[3] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_barrier_t both;

static void *hand_over(void *arg) {
    int mine = arg ? 2 : 0;
    pthread_mutex_lock(&ring[mine]);
    pthread_barrier_wait(&both);
    for (long i = 0; i < n; i++) {
        int next = (mine + 1) % 3;
        pthread_mutex_lock(&ring[next]);
        total++;
        pthread_mutex_unlock(&ring[mine]);
        mine = next;
    }
    pthread_mutex_unlock(&ring[mine]);
    return NULL;
}

enum { LOCKS = 65536 };
static pthread_mutex_t *many;

static void *random_locks(void *arg) {
    uint32_t x = 1;
    for (long i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        pthread_mutex_t *m = &many[x >> 16];
        pthread_mutex_lock(m);
        total++;
        pthread_mutex_unlock(m);
    }
    return arg;
}

static void *ping(void *arg) {
    int me = arg != NULL;
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&a);
        while (turn != me)
            pthread_cond_wait(&c, &a);
        turn = !me;
        pthread_cond_signal(&c);
        pthread_mutex_unlock(&a);
    }
    return NULL;
}

static void *nothing(void *arg) {
    return arg;
}

struct entry {
    struct entry *next;
    uint64_t key, value;
};
static struct entry *buckets[4096], *entries;

static void *hash_table(void *arg) {
    uint64_t x = arg ? 99 : 7;
    for (long i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        uint64_t key = x >> 44;
        pthread_mutex_lock(&a);
        struct entry *e = buckets[key % 4096];
        while (e && e->key != key)
            e = e->next;
        if (e) {
            e->value++;
        } else if (total < 100000) {
            e = &entries[total++];
            e->key = key, e->value = 1, e->next = buckets[key % 4096];
            buckets[key % 4096] = e;
        }
        pthread_mutex_unlock(&a);
    }
    return NULL;
}

enum { WORDS = 1 << 20 };
static uint32_t *words;

static void *array_sum(void *arg) {
    uint64_t sum = 0;
    for (long k = 0; k < n; k++) {
        uint64_t x = 0;
        for (int i = arg ? WORDS / 2 : 0; i < (arg ? WORDS : WORDS / 2); i++)
            x += words[i] ^ (uint32_t)k;
        sum += x;
    }
    return sum == 1 ? arg : NULL;
}

static void *linked_list(void *arg) {
    uint64_t sum = 0;
    for (long k = 0; k < n; k++)
        for (struct entry *e = buckets[arg != NULL]; e; e = e->next)
            sum += e->value;
    return sum == 1 ? arg : NULL;
}

enum { SIDE = 128 };
static double left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];

static void *matrix(void *arg) {
    int from = arg ? SIDE / 2 : 0;
    for (long r = 0; r < n; r++)
        for (int i = from; i < from + SIDE / 2; i++)
            for (int j = 0; j < SIDE; j++) {
                double x = (double)r;
                for (int k = 0; k < SIDE; k++)
                    x += left[i][k] * right[k][j];
                product[i][j] = x;
            }
    return NULL;
}

static uint32_t counts[2][256];

static void *histogram(void *arg) {
    const unsigned char *bytes = (const unsigned char *)words;
    uint32_t *mine = counts[arg != NULL];
    for (long k = 0; k < n; k++)
        for (int i = 0; i < WORDS; i++)
            mine[bytes[i]]++;
    return NULL;
}

static void two(void *(*work)(void *)) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, work, i ? &total : NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

static void one(void *(*work)(void *)) {
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
}

static void fill_matrices(void) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            left[i][j] = i - j, right[i][j] = i + j;
}

static void make_list(void) {
    /* In an order that the cache does not foresee. */
    for (int list = 0; list < 2; list++)
        for (uint32_t i = 0; i < 50000; i++) {
            struct entry *e = &entries[list * 50000 + (i * 7919u) % 50000u];
            e->value = i, e->next = buckets[list], buckets[list] = e;
        }
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    n = argc > 2 ? atol(argv[2]) : 1000;
    sem_init(&s, 0, 1);
    entries = calloc(100000, sizeof *entries);
    words = malloc(WORDS * sizeof *words);
    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = i * 2654435761u;
    if (!strcmp(mode, "pair"))
        one(pair);
    else if (!strcmp(mode, "nested"))
        one(nested);
    else if (!strcmp(mode, "contended"))
        two(pair);
    else if (!strcmp(mode, "handover"))
        pthread_barrier_init(&both, NULL, 2), two(hand_over);
    else if (!strcmp(mode, "rdlock"))
        one(reads);
    else if (!strcmp(mode, "sem"))
        one(semaphore);
    else if (!strcmp(mode, "mutexes")) {
        many = calloc(LOCKS, sizeof *many);
        for (int i = 0; i < LOCKS; i++)
            pthread_mutex_init(&many[i], NULL);
        one(random_locks);
    } else if (!strcmp(mode, "pingpong"))
        two(ping);
    else if (!strcmp(mode, "create"))
        for (long i = 0; i < n; i++)
            one(nothing);
    else if (!strcmp(mode, "hash"))
        two(hash_table);
    else if (!strcmp(mode, "sum"))
        two(array_sum);
    else if (!strcmp(mode, "list"))
        make_list(), two(linked_list);
    else if (!strcmp(mode, "matrix"))
        fill_matrices(), two(matrix);
    else if (!strcmp(mode, "histogram"))
        two(histogram);
    else
        return 2;
    printf("%ld %u %f\n", total, counts[0][3] + counts[1][5], product[3][4]);
    return 0;
}
