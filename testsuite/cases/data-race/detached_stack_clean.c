/* Detached threads end one after the other and their stacks come back for the next. */
// CLEAN
// ALLOW(daemon-killed): the last one may still be on its way out when main returns
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

static sem_t done;

static void *work(void *arg) {
    char local[2048];
    memset(local, 1, sizeof local);
    int sum = 0;
    for (unsigned i = 0; i < sizeof local; i++)
        sum += local[i];
    sem_post(&done);
    return sum == 5 ? arg : NULL;
}

int main(void) {
    sem_init(&done, 0, 0);
    for (int i = 0; i < 60; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, NULL);
        pthread_detach(t);
        if (i % 2) {
            sem_wait(&done);
            sem_wait(&done);
        }
    }
    return 0;
}
