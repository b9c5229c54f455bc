/* Detached threads that nobody joins. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t done;

static void *work(void *arg) {
    pthread_detach(pthread_self());
    sem_post(&done);
    return arg;
}

int main(void) {
    sem_init(&done, 0, 0);
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, NULL);
        sem_wait(&done);
    }
    usleep(100000);
    return 0;
}
