#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct node { pthread_mutex_t lock; int value; };

static void *drop(void *arg) {
    struct node *n = arg;
    pthread_mutex_lock(&n->lock);
    free(n);
    return NULL;
}

int main(void) {
    pthread_t t;
    struct node *n = malloc(sizeof *n);
    pthread_mutex_init(&n->lock, NULL);
    pthread_create(&t, NULL, drop, n);
    pthread_join(t, NULL);
    return 0;
}
