/* A condition variable may be destroyed as soon as its waiters have been woken by a broadcast. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

struct gate {
    pthread_mutex_t m;
    pthread_cond_t c;
    int waiting, open;
};

static void *waiter(void *arg) {
    struct gate *g = arg;
    pthread_mutex_lock(&g->m);
    g->waiting++;
    while (!g->open)
        pthread_cond_wait(&g->c, &g->m);
    g->waiting--;
    pthread_mutex_unlock(&g->m);
    return NULL;
}

int main(void) {
    for (int i = 0; i < 30; i++) {
        struct gate *g = calloc(1, sizeof *g);
        pthread_t t[3];
        pthread_mutex_init(&g->m, NULL);
        pthread_cond_init(&g->c, NULL);
        for (int j = 0; j < 3; j++)
            pthread_create(&t[j], NULL, waiter, g);
        for (int waiting = 0; waiting < 3; nap_ms(1)) {
            pthread_mutex_lock(&g->m);
            waiting = g->waiting;
            pthread_mutex_unlock(&g->m);
        }
        pthread_mutex_lock(&g->m);
        g->open = 1;
        pthread_cond_broadcast(&g->c);
        pthread_mutex_unlock(&g->m);
        pthread_cond_destroy(&g->c);
        for (int j = 0; j < 3; j++)
            pthread_join(t[j], NULL);
        pthread_mutex_destroy(&g->m);
        free(g);
    }
    return 0;
}
