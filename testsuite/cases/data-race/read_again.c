/* Memory that main has read in many epochs, alone: its next read after another thread's write is looked at again. */
#include "step.h"
#include <pthread.h>
#include <string.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long row[64];

static void *nothing(void *arg) {
    return arg;
}

static void *writer(void *arg) {
    nap_ms(20);
    row[20] = 6; // EXPECT(data-race): one of the row is written
    return arg;
}

__attribute__((noinline)) static long look(size_t n) {
    long copy[64];
    return ((long *)memcpy(copy, row, n))[20]; // EXPECT(data-race): the row is read
}

// COUNT(data-race): 1
int main(void) {
    pthread_t t;
    long sum = 0;
    size_t n = sizeof row;
    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
    __asm__("" : "+r"(n));
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
        sum += look(n);
    }
    pthread_create(&t, NULL, writer, NULL);
    nap_ms(200);
    sum += look(n);
    pthread_join(t, NULL);
    return sum == -1;
}
