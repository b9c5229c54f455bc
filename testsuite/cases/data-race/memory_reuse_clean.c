/* Memory that comes back through free, stacks of threads that come back, and an allocator of the program's own. */
// CLEAN
// RUN: malloc
// RUN: stack
// RUN: own
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static char arena[64][64];
static int next_free[64], head;
static const char *how;

static void *own_alloc(void) {
    pthread_mutex_lock(&m);
    int i = head;
    head = next_free[i];
    pthread_mutex_unlock(&m);
    return arena[i];
}

static void own_free(void *p) {
    int i = (int)(((char *)p - arena[0]) / 64);
    pthread_mutex_lock(&m);
    next_free[i] = head;
    head = i;
    pthread_mutex_unlock(&m);
}

static void *work(void *arg) {
    volatile char local[512];
    for (int i = 0; i < 300; i++) {
        char *p = strcmp(how, "own") == 0 ? own_alloc() : malloc(48);
        for (int j = 0; j < 48; j++)
            p[j] = (char)j;
        local[i] = p[i % 48];
        if (strcmp(how, "own") == 0)
            own_free(p);
        else
            free(p);
    }
    return local[5] == 99 ? arg : NULL;
}

int main(int argc, char **argv) {
    pthread_t t[3];
    how = argc > 1 ? argv[1] : "malloc";
    for (int i = 0; i < 64; i++)
        next_free[i] = (i + 1) % 64;
    for (int round = 0; round < (strcmp(how, "stack") ? 1 : 20); round++) {
        for (int i = 0; i < 3; i++)
            pthread_create(&t[i], NULL, work, NULL);
        for (int i = 0; i < 3; i++)
            pthread_join(t[i], NULL);
    }
    return 0;
}
