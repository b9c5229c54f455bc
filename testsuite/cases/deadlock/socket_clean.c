/* One thread holds a lock and reads from a socket that another process answers late; the others wait for the lock. */
// CLEAN
#include "step.h"
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>

static pthread_mutex_t connection = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void *request(void *arg) {
    char byte = 0;
    pthread_mutex_lock(&connection);
    if (write(ends[0], "?", 1) != 1 || read(ends[0], &byte, 1) != 1) arg = NULL;
    pthread_mutex_unlock(&connection);
    return arg;
}

int main(void) {
    pthread_t t[3];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        for (int i = 0; i < 3 && read(ends[1], &byte, 1) == 1; i++) {
            usleep(900000);
            if (write(ends[1], &byte, 1) != 1) _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, request, &t[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    waitpid(child, NULL, 0);
    return 0;
}
