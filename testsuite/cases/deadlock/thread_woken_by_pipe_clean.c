/* All but one thread wait for locks and joins; the one reads from a pipe, which is alive for all we know. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <sys/wait.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void *reader(void *arg) {
    char byte;
    pthread_mutex_lock(&m);
    step(1);
    if (read(ends[0], &byte, 1) != 1) arg = NULL;
    pthread_mutex_unlock(&m);
    return arg;
}

static void *behind(void *arg) {
    await(1);
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    return arg;
}

int main(void) {
    pthread_t t, u;
    if (pipe(ends)) return 1;
    pid_t child = fork();
    if (child == 0) {
        sleep(2);
        _exit(write(ends[1], "x", 1) != 1);
    }
    pthread_create(&t, NULL, reader, NULL);
    pthread_create(&u, NULL, behind, NULL);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    waitpid(child, NULL, 0);
    return 0;
}
