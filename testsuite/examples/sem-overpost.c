#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t permits;

static void *worker(void *arg) {
    sem_wait(&permits);
    sem_post(&permits);
    if (arg) sem_post(&permits); /* the error path gives it back again */
    return NULL;
}

int main(void) {
    sem_init(&permits, 0, 2);
    for (int i = 0; i < 6; i++) {
        pthread_t t;
        pthread_create(&t, NULL, worker, i == 5 ? &permits : NULL);
        pthread_join(t, NULL);
    }
    return 0;
}
