/* Named semaphores, opened twice, tried, and closed. */
// CLEAN
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static char name[64];

static void *work(void *arg) {
    sem_t *s = sem_open(name, 0);
    if (s == SEM_FAILED) return NULL;
    for (int i = 0; i < 50; i++) {
        if (sem_trywait(s) && sem_wait(s)) return NULL;
        sem_post(s);
    }
    sem_close(s);
    return arg;
}

int main(void) {
    pthread_t t, u;
    void *a, *b;
    snprintf(name, sizeof name, "/twatch-case-%d", (int)getpid());
    sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    if (s == SEM_FAILED) return errno == ENOSYS ? 0 : 1;
    pthread_create(&t, NULL, work, &a);
    pthread_create(&u, NULL, work, &b);
    pthread_join(t, &a);
    pthread_join(u, &b);
    sem_close(s);
    sem_unlink(name);
    return a && b ? 0 : 1;
}
