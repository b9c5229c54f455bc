/*
 * An allocator of the program's own in the manner of jemalloc: it is set up lazily inside the first malloc, holds a
 * pthread mutex while it does so and one an arena afterwards, and maps its own memory. A tool that allocates inside a
 * lock hook comes back in here and hangs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENAS = 4, CLASSES = 24 };
struct block {
    struct block *next;
    size_t class;
};
static struct arena {
    pthread_mutex_t lock;
    struct block *free[CLASSES];
    char *at, *end;
} arenas[ARENAS];
static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;
static int ready;
static __thread unsigned mine;

static void init(void) {
    pthread_mutex_lock(&init_lock);
    if (!ready) {
        for (int i = 0; i < ARENAS; i++)
            pthread_mutex_init(&arenas[i].lock, NULL);
        __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&init_lock);
}

static size_t class_of(size_t size) {
    size_t class = 5;
    while (((size_t)1 << class) < size)
        class ++;
    return class;
}

static struct block *carve(struct arena *a, size_t class) {
    size_t need = sizeof(struct block) + ((size_t)1 << class);
    if ((size_t)(a->end - a->at) < need) {
        size_t map = need > (1 << 20) ? (need + 4095) & ~(size_t)4095 : 1 << 20;
        a->at = mmap(NULL, map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        a->end = a->at + map;
    }
    struct block *b = (struct block *)a->at;
    a->at += need;
    b->class = class;
    return b;
}

void *malloc(size_t size) {
    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) init();
    if (!mine) mine = 1 + (unsigned)((uintptr_t)&mine >> 12) % ARENAS;
    struct arena *a = &arenas[mine - 1];
    size_t class = class_of(size);
    if (class >= CLASSES + 5) return errno = ENOMEM, NULL;
    pthread_mutex_lock(&a->lock);
    struct block *b = class - 5 < CLASSES ? a->free[class - 5] : NULL;
    if (b)
        a->free[class - 5] = b->next;
    else
        b = carve(a, class);
    pthread_mutex_unlock(&a->lock);
    return b + 1;
}

void free(void *p) {
    if (!p) return;
    struct block *b = (struct block *)p - 1;
    struct arena *a = &arenas[mine ? mine - 1 : 0];
    pthread_mutex_lock(&a->lock);
    b->next = a->free[b->class - 5];
    a->free[b->class - 5] = b;
    pthread_mutex_unlock(&a->lock);
}

void *calloc(size_t n, size_t size) {
    void *p = malloc(n * size);
    return p ? memset(p, 0, n * size) : p;
}

void *realloc(void *p, size_t size) {
    void *q = malloc(size);
    if (p && q) {
        size_t old = (size_t)1 << ((struct block *)p - 1)->class;
        memcpy(q, p, old < size ? old : size);
        free(p);
    }
    return q;
}

static void *churn(void *arg) {
    void *kept[64] = {0};
    unsigned seed = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned slot = seed >> 16 & 63;
        free(kept[slot]);
        kept[slot] = malloc(seed >> 8 & 1023);
        if (kept[slot]) memset(kept[slot], 1, seed >> 8 & 1023);
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return NULL;
}

int main(void) {
    pthread_t t[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    printf("allocator done\n");
    return 0;
}
