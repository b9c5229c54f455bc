#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t checking = PTHREAD_MUTEX_INITIALIZER, savings = PTHREAD_MUTEX_INITIALIZER;

static void *deposit(void *arg) {
    pthread_mutex_lock(&checking);
    pthread_mutex_lock(&savings);
    pthread_mutex_unlock(&savings);
    pthread_mutex_unlock(&checking);
    return arg;
}

static void *withdraw(void *arg) {
    usleep(50000);
    pthread_mutex_lock(&savings);
    pthread_mutex_lock(&checking);
    pthread_mutex_unlock(&checking);
    pthread_mutex_unlock(&savings);
    return arg;
}

int main(void) {
    pthread_t t1, t2;
    pthread_create(&t1, NULL, deposit, NULL);
    pthread_create(&t2, NULL, withdraw, NULL);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    return 0;
}
