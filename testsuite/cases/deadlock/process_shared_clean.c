/* The mutex is held by another process, which gives it back after two seconds. */
// CLEAN
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    pthread_mutex_t lock;
    volatile int held;
};

int main(void) {
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&s->lock, &attr);
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(&s->lock);
        s->held = 1;
        sleep(2);
        pthread_mutex_unlock(&s->lock);
        _exit(0);
    }
    while (!s->held)
        usleep(1000);
    pthread_mutex_lock(&s->lock);
    pthread_mutex_unlock(&s->lock);
    waitpid(child, NULL, 0);
    return 0;
}
