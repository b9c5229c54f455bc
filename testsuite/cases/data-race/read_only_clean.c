/* What was written before the threads began is read by all of them, and written again after they are joined. */
// CLEAN
// MATRIX
#include <pthread.h>

static int table[512];

static void *sum(void *arg) {
    int n = 0;
    for (int i = 0; i < 512; i++)
        n += table[i];
    *(int *)arg = n;
    return NULL;
}

int main(void) {
    for (int round = 0; round < 5; round++) {
        pthread_t t[4];
        int sums[4];
        for (int i = 0; i < 512; i++)
            table[i] = i + round;
        for (int i = 0; i < 4; i++)
            pthread_create(&t[i], NULL, sum, &sums[i]);
        for (int i = 0; i < 4; i++)
            pthread_join(t[i], NULL);
        if (sums[0] != sums[3]) return 1;
    }
    return 0;
}
