/* Two processes play ping-pong over semaphores in shared memory: in each of them nobody could wake the waiter. */
// CLEAN
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    sem_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&s[0], 1, 0);
    sem_init(&s[1], 1, 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 20; i++) {
            sem_wait(&s[0]);
            usleep(20000);
            sem_post(&s[1]);
        }
        sleep(2);
        sem_post(&s[1]);
        _exit(0);
    }
    for (int i = 0; i < 20; i++) {
        sem_post(&s[0]);
        sem_wait(&s[1]);
    }
    sem_wait(&s[1]);
    waitpid(child, NULL, 0);
    return 0;
}
