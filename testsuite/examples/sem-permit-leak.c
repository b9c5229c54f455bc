#include <pthread.h>
#include <stdio.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t permits;

static void *worker(void *arg) {
    sem_wait(&permits);
    if (arg) return NULL; /* an error path that keeps the permit */
    sem_post(&permits);
    return NULL;
}

int main(void) {
    sem_init(&permits, 0, 2);
    for (int i = 0; i < 6; i++) {
        pthread_t t;
        pthread_create(&t, NULL, worker, i == 3 ? &permits : NULL);
        pthread_join(t, NULL);
    }
    return 0;
}
