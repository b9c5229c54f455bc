/* A threaded program starts others by every member of the exec family, and ends children by every way. */
// CLEAN
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const arguments[] = {"true", NULL};
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void child(int how) {
    switch (how) {
    case 0:
        execl("/bin/true", "true", (char *)NULL);
        break;
    case 1:
        execlp("true", "true", (char *)NULL);
        break;
    case 2:
        execle("/bin/true", "true", (char *)NULL, environ);
        break;
    case 3:
        execv("/bin/true", arguments);
        break;
    case 4:
        execvp("true", arguments);
        break;
    case 5:
        execve("/bin/true", arguments, environ);
        break;
    case 6:
        execvpe("true", arguments, environ);
        break;
    case 7:
        fexecve(open("/bin/true", O_RDONLY | O_CLOEXEC), arguments, environ);
        break;
    case 8:
        _Exit(0);
    case 9:
        quick_exit(0);
    case 10:
        exit(0);
    case 11:
        execl("/does/not/exist", "x", (char *)NULL);
        _exit(0);
    default:
        _exit(0);
    }
    _exit(1);
}

static void *start_all(void *arg) {
    int bad = 0;
    for (int how = 0; how < 13; how++) {
        int status = 1;
        pthread_mutex_lock(&m);
        pthread_mutex_unlock(&m);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) child(how);
        waitpid(pid, &status, 0);
        bad += status != 0;
    }
    pid_t pid;
    int status = 1;
    if (posix_spawnp(&pid, "true", NULL, NULL, arguments, environ) == 0) waitpid(pid, &status, 0);
    *(int *)arg = bad + status;
    return NULL;
}

int main(void) {
    pthread_t t;
    int bad = 1;
    pthread_create(&t, NULL, start_all, &bad);
    pthread_join(t, NULL);
    return bad;
}
