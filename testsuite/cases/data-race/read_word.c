/* A word of eight bytes that main has read a thousand times is written by another thread and read once more: each half is no publication of the other. */
#include "step.h"
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long word;

static void *nothing(void *arg) {
    return arg;
}

static void *writer(void *arg) {
    nap_ms(20);
    word = 6; // EXPECT(data-race): written
    return arg;
}

__attribute__((noinline)) static long look(void) {
    long now = word;    // EXPECT(data-race): read
    return now + (now == 7);
}

// OBJECT(data-race): word
int main(void) {
    pthread_t t;
    long sum = 0;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
        sum += look();
    }
    pthread_create(&t, NULL, writer, NULL);
    nap_ms(200);
    sum += look();
    pthread_join(t, NULL);
    return sum < 0;
}
