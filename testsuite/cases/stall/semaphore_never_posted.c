/* A semaphore that nobody will post: its poster has returned early. */
// HANGS
#include <pthread.h>
#include <semaphore.h>

static sem_t done;
static volatile int broken = 1;

static void *worker(void *arg) {
    if (broken) return NULL;
    sem_post(&done);
    return arg;
}

int main(void) {
    pthread_t t;
    sem_init(&done, 0, 0);
    pthread_create(&t, NULL, worker, NULL);
    pthread_join(t, NULL);
    sem_wait(&done); // EXPECT(stall): waits here
    return 0;
}
