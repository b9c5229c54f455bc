/* A child is forked while another thread holds a lock, which the child asks for and can never get. */
#include "step.h"
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void log_line(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    if (pthread_mutex_timedlock(&m, &until) == 0) pthread_mutex_unlock(&m);
}

static void *holder(void *arg) {
    pthread_mutex_lock(&m); // EXPECT(fork-with-lock-held): taken here
    step(1);
    await(2);
    pthread_mutex_unlock(&m);
    return arg;
}

// SEVERITY(fork-with-lock-held): warning
// COUNT(fork-with-lock-held): 1
// MESSAGE(fork-with-lock-held): another thread of the parent held
int main(void) {
    pthread_t t;
    int status = 1;
    pthread_create(&t, NULL, holder, NULL);
    await(1);
    pid_t child = fork(); // EXPECT(fork-with-lock-held): forked here
    if (child == 0) {
        log_line();
        _exit(0);
    }
    waitpid(child, &status, 0);
    step(2);
    pthread_join(t, NULL);
    return status;
}
