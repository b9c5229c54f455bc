/* A semaphore whose permit another thread gives back is no lock that was left behind. */
// CLEAN
#include <pthread.h>
#include <semaphore.h>

static sem_t slots, items;

static void *producer(void *arg) {
    for (int i = 0; i < 10; i++) {
        sem_wait(&slots);
        sem_post(&items);
    }
    return arg;
}

static void *consumer(void *arg) {
    for (int i = 0; i < 10; i++) {
        sem_wait(&items);
        sem_post(&slots);
    }
    return arg;
}

int main(void) {
    pthread_t t, u;
    sem_init(&slots, 0, 3);
    sem_init(&items, 0, 0);
    pthread_create(&t, NULL, producer, NULL);
    pthread_create(&u, NULL, consumer, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    sem_destroy(&slots);
    sem_destroy(&items);
    return 0;
}
