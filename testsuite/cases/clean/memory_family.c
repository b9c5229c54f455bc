/* Locks in memory of every allocator function, given back unlocked. */
// CLEAN
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void use(void *memory) {
    pthread_mutex_t *m = memory;
    pthread_mutex_init(m, NULL);
    pthread_mutex_lock(m);
    pthread_mutex_unlock(m);
    pthread_mutex_destroy(m);
}

static void *work(void *arg) {
    for (int i = 0; i < 50; i++) {
        void *p[8] = {malloc(80), calloc(2, 40), realloc(NULL, 80), reallocarray(NULL, 2, 40), aligned_alloc(64, 128),
                memalign(64, 100), valloc(100), pvalloc(100)};
        for (int k = 0; k < 8; k++)
            use(p[k]);
        if (malloc_usable_size(p[0]) < 80) return NULL;
        p[0] = realloc(p[0], 4000);
        for (int k = 0; k < 8; k++)
            free(p[k]);
        void *q = NULL;
        if (posix_memalign(&q, 128, 200) == 0) use(q);
        free(q);
        void *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        use(map);
        map = mremap(map, 8192, 16384, MREMAP_MAYMOVE);
        use(map);
        munmap(map, 16384);
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    void *a, *b;
    pthread_create(&t, NULL, work, &t);
    pthread_create(&u, NULL, work, &a);
    pthread_join(t, &a);
    pthread_join(u, &b);
    return a && b ? 0 : 1;
}
