/* The child of a fork goes on as the thread that forked, and gives back what that one held. */
// CLEAN
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
    int status = 1;
    pthread_mutex_lock(&m);
    pid_t child = fork();
    pthread_mutex_unlock(&m);
    if (child == 0) {
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status ? NULL : arg;
}

int main(void) {
    pthread_t t;
    void *result = NULL;
    pthread_create(&t, NULL, work, &m);
    pthread_join(t, &result);
    return result ? 0 : 1;
}
