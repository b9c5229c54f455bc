/* The side that goes against the order tries, and gives everything back when it fails. */
// CLEAN
#include <pthread.h>
#include <sched.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static int rounds_a, rounds_b;

static void *forward(void *arg) {
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&a);
        pthread_mutex_lock(&b);
        rounds_a++;
        pthread_mutex_unlock(&b);
        pthread_mutex_unlock(&a);
    }
    return arg;
}

static void *backward(void *arg) {
    for (int i = 0; i < 200;) {
        pthread_mutex_lock(&b);
        if (pthread_mutex_trylock(&a) == 0) {
            rounds_b++;
            i++;
            pthread_mutex_unlock(&a);
        }
        pthread_mutex_unlock(&b);
        sched_yield();
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, forward, NULL);
    pthread_create(&u, NULL, backward, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return rounds_a + rounds_b == 400 ? 0 : 1;
}
