/* Programs started with posix_spawn and posix_spawnp, by a program with threads: as by exec. */
// CLEAN
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *start(void *search) {
    char *argv[] = {"true", NULL};
    pid_t child = 0;
    int status = 1;
    int rc = search ? posix_spawnp(&child, "true", NULL, NULL, argv, environ)
                    : posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ);
    if (rc != 0 || waitpid(child, &status, 0) != child || status != 0) exit(1);
    return NULL;
}

int main(void) {
    pthread_t t[2];
    pthread_create(&t[0], NULL, start, NULL);
    pthread_create(&t[1], NULL, start, &t[0]);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    pid_t child; /* errors are the real ones */
    char *argv[] = {"none", NULL};
    return posix_spawn(&child, "/nowhere/none", NULL, NULL, argv, environ) == 2 ? 0 : 1;
}
