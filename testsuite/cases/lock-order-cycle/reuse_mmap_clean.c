/* A lock in a mapping that is given back, and another mapped at the same place. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <sys/mman.h>

static pthread_mutex_t fixed = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *page;

static void map_at(void *where) {
    page = mmap(where, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1, 0);
}

static void *one(void *arg) {
    map_at(NULL);
    pthread_mutex_lock(&fixed);
    pthread_mutex_lock(page);
    pthread_mutex_unlock(page);
    pthread_mutex_unlock(&fixed);
    munmap(page, 4096);
    map_at(page);
    step(1);
    return arg;
}

static void *two(void *arg) {
    await(1);
    pthread_mutex_lock(page);
    pthread_mutex_lock(&fixed);
    pthread_mutex_unlock(&fixed);
    pthread_mutex_unlock(page);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, one, NULL);
    pthread_create(&u, NULL, two, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
