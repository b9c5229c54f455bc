#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *user(void *lock) {
    if (pthread_mutex_lock(lock)) puts("no lock");
    return NULL;
}

int main(void) {
    pthread_t t;
    pthread_mutex_t *lock = malloc(sizeof *lock);
    memset(lock, 0xa5, sizeof *lock); /* what a recycled block may hold */
    pthread_create(&t, NULL, user, lock);
    pthread_join(t, NULL);
    return 0;
}
