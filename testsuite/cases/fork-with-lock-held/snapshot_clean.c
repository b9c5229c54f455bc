/* A child that works on its copy of the memory and ends, never touching the lock that another thread held at the fork:
 * how databases save. It takes other locks and allocates. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER, own = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&busy);
    step(1);
    await(2);
    pthread_mutex_unlock(&busy);
    return arg;
}

static int save(void) {
    size_t sum = 0;
    for (size_t i = 1; i < 1000; i++) {
        pthread_mutex_lock(&own);
        char *copy = malloc(i);
        if (copy) memset(copy, 0, i);
        sum += copy != NULL;
        free(copy);
        pthread_mutex_unlock(&own);
    }
    return sum == 999 ? 0 : 1;
}

int main(void) {
    pthread_t t;
    int status = 1;
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    pid_t child = fork();
    if (child == 0) _exit(save());
    waitpid(child, &status, 0);
    step(2);
    pthread_join(t, NULL);
    return status;
}
