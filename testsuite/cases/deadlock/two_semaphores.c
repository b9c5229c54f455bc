/* Two semaphores used as locks. */
// HANGS
#include "step.h"
#include <pthread.h>
#include <semaphore.h>

static sem_t left, right;

static void *one(void *arg) {
    sem_wait(&left); // EXPECT(deadlock): held here
    step_next();
    await(2);
    sem_wait(&right); // EXPECT(deadlock): waits here
    sem_post(&right);
    sem_post(&left);
    return arg;
}

static void *two(void *arg) {
    sem_wait(&right); // EXPECT(deadlock): held here
    step_next();
    await(2);
    sem_wait(&left); // EXPECT(deadlock): waits here
    sem_post(&left);
    sem_post(&right);
    return arg;
}

int main(void) {
    pthread_t a, b;
    sem_init(&left, 0, 1);
    sem_init(&right, 0, 1);
    pthread_create(&a, NULL, one, NULL);
    pthread_create(&b, NULL, two, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
