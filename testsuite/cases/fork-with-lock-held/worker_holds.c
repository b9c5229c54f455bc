/* A child is forked while another thread holds a lock, which the child can never get. */
#include "step.h"
#include <pthread.h>
#include <sys/wait.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(fork-with-lock-held): taken here
    step(1);
    await(2);
    pthread_mutex_unlock(&m);
    return arg;
}

// SEVERITY(fork-with-lock-held): warning
int main(void) {
    pthread_t t;
    int status = 1;
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    pid_t child = fork(); // EXPECT(fork-with-lock-held): forked here
    if (child == 0) _exit(0);
    waitpid(child, &status, 0);
    step(2);
    pthread_join(t, NULL);
    return status;
}
