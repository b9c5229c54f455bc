/* Two threads wait for one condition variable with different mutexes. */
#include "step.h"
#include <pthread.h>
#include <time.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

static void *with_a(void *arg) {
    pthread_mutex_lock(&a);
    step(1);
    pthread_cond_wait(&c, &a); // EXPECT(cond-two-mutexes): waits with a
    pthread_mutex_unlock(&a);
    return arg;
}

static void *with_b(void *arg) {
    await(1);
    nap_ms(50);
    pthread_mutex_lock(&b);
    step(2);
    pthread_cond_wait(&c, &b); // EXPECT(cond-two-mutexes): waits with b
    pthread_mutex_unlock(&b);
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, with_a, NULL);
    pthread_create(&u, NULL, with_b, NULL);
    await(2);
    for (int i = 0; i < 20; i++) {
        nap_ms(20);
        pthread_cond_broadcast(&c);
    }
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
