/* Threads that split their work, and wait for their children each at a condition variable of its own: no pool. */
// CLEAN
// NOROLE(pools): size>=1
#include "step.h"
#include <pthread.h>

struct part {
    pthread_mutex_t lock;
    pthread_cond_t child_done;
    struct part *parent;
    int depth, done;
};

static void *split(void *arg) {
    struct part *p = arg;
    for (int i = 0; i < 3 && p->depth; i++) { /* one after the other, three waits each */
        pthread_t t;
        struct part child = {.parent = p, .depth = p->depth - 1};
        pthread_mutex_init(&child.lock, NULL);
        pthread_cond_init(&child.child_done, NULL);
        pthread_create(&t, NULL, split, &child);
        pthread_mutex_lock(&p->lock);
        while (!p->done)
            pthread_cond_wait(&p->child_done, &p->lock);
        p->done = 0;
        pthread_mutex_unlock(&p->lock);
        pthread_join(t, NULL);
        pthread_cond_destroy(&child.child_done);
        pthread_mutex_destroy(&child.lock);
    }
    nap_ms(1);
    if (!p->parent) return NULL;
    pthread_mutex_lock(&p->parent->lock);
    p->parent->done = 1;
    pthread_cond_signal(&p->parent->child_done);
    pthread_mutex_unlock(&p->parent->lock);
    return NULL;
}

int main(void) {
    pthread_t t;
    struct part whole = {.depth = 3};
    pthread_mutex_init(&whole.lock, NULL);
    pthread_cond_init(&whole.child_done, NULL);
    pthread_create(&t, NULL, split, &whole);
    pthread_join(t, NULL);
    return 0;
}
