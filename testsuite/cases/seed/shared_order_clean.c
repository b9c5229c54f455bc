/*
 * The seed on threads: they share the data of their process, and the order in which they run is not determined.
 * Whatever the order, a lock keeps what they share whole.
 */
// CLEAN
// OPTIONS: races=on
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int order[4], norder;

static void *run(void *arg) {
    pthread_mutex_lock(&lock);
    order[norder++] = *(int *)arg;
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(void) {
    pthread_t t[4];
    int number[4], sum = 0;
    for (int i = 0; i < 4; i++) {
        number[i] = i;
        pthread_create(&t[i], NULL, run, &number[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < norder; i++)
        sum += order[i];
    printf("%d threads, sum %d\n", norder, sum);
    return 0;
}
