/* One thread frees a large block, another one gets small blocks out of it: their last bytes, which nobody asked for,
 * are new too. Only malloc's own lock orders the two, and the time that passes. */
// CLEAN
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE = 4000, SMALL = 40 };

static void *first(void *arg) {
    usleep(30000);
    volatile char *p = malloc(LARGE); /* the compiler drops stores that free makes void */
    if (!p) return NULL;
    for (int i = 0; i < LARGE; i++)
        p[i] = (char)i;
    free((void *)p);
    return arg;
}

static void *second(void *arg) {
    volatile char *block[SMALL];
    usleep(150000);
    for (size_t i = 0; i < SMALL; i++) {
        block[i] = malloc(28 + i);
        if (!block[i]) return NULL;
        for (size_t k = 0; k < 28 + i; k++)
            block[i][k] = (char)k;
    }
    for (size_t i = 0; i < SMALL; i++)
        free((void *)block[i]);
    return arg;
}

int main(void) {
    pthread_t t[2];
    int done = 0;
    mallopt(M_ARENA_MAX, 1);
    void *wall = malloc(LARGE); /* the threads' blocks lie between walls, not at the top of the heap */
    if (pthread_create(&t[0], NULL, first, &done) != 0 || pthread_create(&t[1], NULL, second, &done) != 0) return 2;
    pthread_join(t[1], NULL);
    pthread_join(t[0], NULL);
    free(wall);
    return 0;
}
