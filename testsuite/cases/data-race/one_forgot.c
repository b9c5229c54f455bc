/* Nine accesses hold the lock and one does not. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void *careful(void *arg) {
    for (int i = 0; i < 9; i++) {
        pthread_mutex_lock(&m);
        total += i; // EXPECT(data-race): with the lock
        pthread_mutex_unlock(&m);
        nap_ms(2);
    }
    return arg;
}

static void *careless(void *arg) {
    nap_ms(8);
    total += 100; // EXPECT(data-race): without the lock
    return arg;
}

// OBJECT(data-race): total
int main(void) {
    pthread_t t, u;
    pthread_create(&t, NULL, careful, NULL);
    pthread_create(&u, NULL, careless, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
