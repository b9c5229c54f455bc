/* An initialiser takes a lock whose holder waits for the initialiser. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void init(void) {
    step(1);
    await(2);
    pthread_mutex_lock(&lock); // EXPECT(deadlock): waits inside the initialiser
    pthread_mutex_unlock(&lock);
}

static void *first(void *arg) {
    pthread_once(&once, init);
    nap_ms(1);
    return arg;
}

static void *second(void *arg) {
    await(1);
    pthread_mutex_lock(&lock); // EXPECT(deadlock): held here
    step(2);
    pthread_once(&once, init); // EXPECT(deadlock): waits for the initialiser
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, first, NULL);
    pthread_create(&b, NULL, second, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
