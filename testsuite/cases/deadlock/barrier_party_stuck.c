/* Two of three parties wait at the barrier; the third waits for a lock that one of them holds. */
// HANGS
#include "step.h"
#include <pthread.h>

static pthread_barrier_t meet;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&lock); // EXPECT(deadlock): held here
    step(1);
    pthread_barrier_wait(&meet); // EXPECT(deadlock): waits for the third party
    pthread_mutex_unlock(&lock);
    return arg;
}

static void *late(void *arg) {
    await(1);
    nap_ms(30);
    pthread_mutex_lock(&lock); // EXPECT(deadlock): waits here
    pthread_barrier_wait(&meet);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(void) {
    pthread_t a, b;
    pthread_barrier_init(&meet, NULL, 2);
    pthread_create(&a, NULL, holder, NULL);
    pthread_create(&b, NULL, late, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
