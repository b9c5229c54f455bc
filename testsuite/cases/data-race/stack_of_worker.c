/* The local variable of a thread's own function, handed to two more threads. */
// MESSAGE(data-race): on the stack of thread 2 (count), in count
#include <pthread.h>

static void *add(void *arg) {
    int *sum = arg;
    if (*sum < 100)
        *sum += 1; // EXPECT(data-race): the sum
    return arg;
}

static void *count(void *arg) {
    pthread_t t[2];
    int sum = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, add, &sum);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return sum ? arg : NULL;
}

int main(void) {
    pthread_t t;
    pthread_create(&t, NULL, count, NULL);
    pthread_join(t, NULL);
    return 0;
}
