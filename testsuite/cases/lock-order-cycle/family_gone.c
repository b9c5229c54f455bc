/* Ten thousand requests with a lock of their own each, held between one of two locks that stay and one of two others: what the requests' locks
   leave behind is forgotten, the order of those that stay is not. */
#include "step.h"
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t first[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t last[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t *made[10000];
static long served;

static void request(int i) {
    pthread_mutex_t *own = made[i], *from = &first[i == 5000], *to = &last[i == 5000];
    pthread_mutex_lock(own);
    pthread_mutex_lock(from); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(to);   // EXPECT(lock-order-cycle): wanted here
    served++;
    pthread_mutex_unlock(to);
    pthread_mutex_unlock(from);
    pthread_mutex_unlock(own);
}

static void *serve(void *arg) {
    for (int i = 0; i < 10000; i++) {
        request(i);
        pthread_mutex_destroy(made[i]);
        free(made[i]);
    }
    step(1);
    return arg;
}

static void *back(void *arg) {
    await(1);
    pthread_mutex_lock(&last[1]);  // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&first[1]); // EXPECT(lock-order-cycle): wanted here
    served++;
    pthread_mutex_unlock(&first[1]);
    pthread_mutex_unlock(&last[1]);
    return arg;
}

// COUNT(lock-order-cycle): 1
// OBJECT(lock-order-cycle): first[1]
// OBJECT(lock-order-cycle): last[1]
int main(void) {
    pthread_t a, b;
    for (int i = 0; i < 10000; i++) {
        made[i] = malloc(sizeof *made[i]);
        pthread_mutex_init(made[i], NULL);
    }
    pthread_create(&a, NULL, serve, NULL);
    pthread_create(&b, NULL, back, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
