/* Two tables of locks; a thread takes the outer lock of a row and then the inner one. */
#include "step.h"
#include <pthread.h>

enum { ROWS = 3000 };
static pthread_mutex_t outer[ROWS], inner[ROWS];
static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static long done[ROWS];
static pthread_t thread;

static inline void start(void) {
    for (int i = 0; i < ROWS; i++) {
        pthread_mutex_init(&outer[i], NULL);
        pthread_mutex_init(&inner[i], NULL);
    }
}

static void take(int i) {
    pthread_mutex_lock(&outer[i]);
    pthread_mutex_lock(&inner[i]);
    pthread_mutex_lock(&all);
    done[i]++;
    pthread_mutex_unlock(&all);
    pthread_mutex_unlock(&inner[i]);
    pthread_mutex_unlock(&outer[i]);
}

static inline void *pair(void *arg) {
    for (int i = 0; i < ROWS; i++)
        take(i);
    return arg;
}

static inline void each(void *(*what)(void *)) {
    what(NULL);
    pthread_create(&thread, NULL, what, NULL);
    pthread_join(thread, NULL);
}

static inline void finish(void) {
    for (int i = 0; i < ROWS; i++) {
        pthread_mutex_destroy(&outer[i]);
        pthread_mutex_destroy(&inner[i]);
    }
}
