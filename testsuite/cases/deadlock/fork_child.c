/* A child forked while another thread held a lock waits for it for ever: nobody in the child can give it back. */
// HANGS
#include "step.h"
#include <pthread.h>
#include <sys/wait.h>

static pthread_mutex_t heap = PTHREAD_MUTEX_INITIALIZER;

static void *holder(void *arg) {
    pthread_mutex_lock(&heap);
    step(1);
    await(2);
    pthread_mutex_unlock(&heap);
    return arg;
}

// COUNT(fork-with-lock-held): 1
int main(void) {
    pthread_t t;
    int status;
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    pid_t child = fork(); // EXPECT(fork-with-lock-held): forked here
    if (child == 0) {
        pthread_mutex_lock(&heap); // EXPECT(stall): waits in the child
        pthread_mutex_unlock(&heap);
        _exit(0);
    }
    step(2);
    pthread_join(t, NULL);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
