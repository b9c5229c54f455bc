/* Of three thousand rows that two threads take in the same order, one is taken the other way round: that row is named.
 */
#include "family.h"

static void *rows(void *arg) {
    pair(NULL);
    step(1);
    return arg;
}

static void *back(void *arg) {
    await(1);
    pair(NULL);
    pthread_mutex_lock(&inner[2345]); // EXPECT(lock-order-cycle): held here
    pthread_mutex_lock(&outer[2345]); // EXPECT(lock-order-cycle): wanted here
    done[0]++;
    pthread_mutex_unlock(&outer[2345]);
    pthread_mutex_unlock(&inner[2345]);
    return arg;
}

// COUNT(lock-order-cycle): 1
// OBJECT(lock-order-cycle): inner[2345]
// OBJECT(lock-order-cycle): outer[2345]
int main(void) {
    pthread_t a, b;
    start();
    pthread_create(&a, NULL, rows, NULL);
    pthread_create(&b, NULL, back, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    finish();
    return 0;
}
