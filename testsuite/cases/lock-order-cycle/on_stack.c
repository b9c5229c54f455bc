/* The locks live on main's stack and are shared by pointer. */
#include "step.h"
#include <pthread.h>

struct work {
    pthread_mutex_t in, out;
};

static void *forth(void *arg) {
    struct work *w = arg;
    pthread_mutex_lock(&w->in);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&w->out); // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&w->out);
    pthread_mutex_unlock(&w->in);
    step(1);
    return NULL;
}

static void *back(void *arg) {
    struct work *w = arg;
    await(1);
    pthread_mutex_lock(&w->out); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&w->in);  // EXPECT(lock-order-cycle): wanted here
    pthread_mutex_unlock(&w->in);
    pthread_mutex_unlock(&w->out);
    return NULL;
}

int main(void) {
    struct work w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    pthread_t a, b;
    pthread_create(&a, NULL, forth, &w);
    pthread_create(&b, NULL, back, &w);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
