/* stdio locks its streams by itself, and errno belongs to the thread. */
// CLEAN
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static void *work(void *arg) {
    FILE *null = arg;
    for (int i = 0; i < 200; i++) {
        fprintf(null, "%d\n", i);
        errno = i;
    }
    return NULL;
}

int main(void) {
    pthread_t t[3];
    FILE *null = fopen("/dev/null", "w");
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, null);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return fclose(null);
}
