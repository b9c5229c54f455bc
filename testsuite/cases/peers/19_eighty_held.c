/* Eighty locks held at once. TSan aborts. */
// CLEAN
// RUN: 80
// RUN: 1000
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t locks[1000];

static void *work(void *arg) {
    int n = *(int *)arg;
    for (int i = 0; i < n; i++) pthread_mutex_lock(&locks[i]);
    for (int i = n; i-- > 0;) pthread_mutex_unlock(&locks[i]);
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t, u;
    int n = argc > 1 ? atoi(argv[1]) : 80;
    for (int i = 0; i < n; i++) pthread_mutex_init(&locks[i], NULL);
    pthread_create(&t, NULL, work, &n);
    pthread_create(&u, NULL, work, &n);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
