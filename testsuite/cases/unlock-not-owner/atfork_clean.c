/* The usual atfork protocol: locked before, given back after in parent and child. */
// CLEAN
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void before(void) {
    pthread_mutex_lock(&m);
}
static void after(void) {
    pthread_mutex_unlock(&m);
}

static void *work(void *arg) {
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
    }
    return arg;
}

int main(void) {
    pthread_t t;
    int failed = 0;
    pthread_atfork(before, after, after);
    pthread_create(&t, NULL, work, NULL);
    for (int i = 0; i < 5; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            work(NULL);
            _exit(0);
        }
        waitpid(child, &status, 0);
        failed |= status;
    }
    pthread_join(t, NULL);
    return failed;
}
