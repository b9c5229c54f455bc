/* main goes on with what it has handed to a thread. */
#include <pthread.h>

static double values[64];

static void *scale(void *arg) {
    for (int i = 0; i < 64; i++)
        values[i] *= 2; // EXPECT(data-race): in the thread
    return arg;
}

int main(void) {
    pthread_t t;
    double sum = 0;
    for (int i = 0; i < 64; i++)
        values[i] = i;
    pthread_create(&t, NULL, scale, NULL);
    for (int i = 0; i < 64; i++)
        sum += values[i]; // EXPECT(data-race): in main
    pthread_join(t, NULL);
    return sum < 0;
}
