#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;

static int count(void) {
    pthread_mutex_lock(&list_lock);
    int n = 0;
    pthread_mutex_unlock(&list_lock);
    return n;
}

int main(void) {
    pthread_mutex_lock(&list_lock);
    printf("%d\n", count());
    pthread_mutex_unlock(&list_lock);
    return 0;
}
