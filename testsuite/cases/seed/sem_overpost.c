/* A permit given back twice: from then on six threads may be where five were meant to be. BoundedSemaphore would raise
 * ValueError. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t permits;

static void *run(void *arg) {
    sem_wait(&permits);
    sem_post(&permits);
    if (*(int *)arg == 9) sem_post(&permits); // EXPECT(sem-overpost): one too many
    return NULL;
}

int main(void) {
    pthread_t t[10];
    int number[10], value;
    sem_init(&permits, 0, 5);
    for (int i = 0; i < 10; i++) {
        number[i] = i;
        pthread_create(&t[i], NULL, run, &number[i]);
        pthread_join(t[i], NULL);
    }
    sem_getvalue(&permits, &value);
    printf("%d permits\n", value);
    return 0;
}
