/* A new object's lock is taken under the registry's and the other way round, but never for the same published object.
 */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

struct item {
    pthread_mutex_t lock;
    struct item *next;
};
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct item *items;

/* Nobody else can see the item yet: holding its lock while the registry is taken cannot make anybody wait. */
static void publish(void) {
    struct item *i = malloc(sizeof *i);
    pthread_mutex_init(&i->lock, NULL);
    pthread_mutex_lock(&i->lock);
    pthread_mutex_lock(&registry);
    i->next = items;
    items = i;
    pthread_mutex_unlock(&registry);
    pthread_mutex_unlock(&i->lock);
}

static void *maker(void *arg) {
    publish();
    step(1);
    await(2);
    return arg;
}

static void *reader(void *arg) {
    await(1);
    pthread_mutex_lock(&registry);
    pthread_mutex_lock(&items->lock);
    pthread_mutex_unlock(&items->lock);
    pthread_mutex_unlock(&registry);
    step(2);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, maker, NULL);
    pthread_create(&u, NULL, reader, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    while (items) {
        struct item *i = items;
        items = i->next;
        pthread_mutex_destroy(&i->lock);
        free(i);
    }
    return 0;
}
