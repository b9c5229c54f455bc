#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_barrier_t gate;

static void *runner(void *arg) { return arg; }

int main(int argc, char **argv) {
    pthread_t t;
    (void)argv;
    pthread_create(&t, NULL, runner, NULL);
    unsigned workers = (unsigned)argc - 1; /* none were asked for */
    if (pthread_barrier_init(&gate, NULL, workers)) puts("no barrier");
    pthread_join(t, NULL);
    return 0;
}
