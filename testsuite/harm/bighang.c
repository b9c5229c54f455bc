/* N threads in a circle of locks; with a second argument the last one takes all memory and descriptors first. Prints the time of the last step. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t *locks;
static int n;
static pthread_barrier_t all;

static void use_up(void) {
    struct rlimit small = {0, 0};
    char byte = 0;
    setrlimit(RLIMIT_AS, &small); /* no mapping from here on */
    while (open("/dev/null", O_RDONLY) >= 0) continue;
    for (volatile void *p = &byte; p;) p = malloc(64);
}

static void *link_of_chain(void *arg) {
    int i = (int)(long)arg;
    pthread_mutex_lock(&locks[i]);
    pthread_barrier_wait(&all);
    pthread_mutex_lock(&locks[(i + 1) % n]);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_attr_t a;
    n = argc > 1 ? atoi(argv[1]) : 10;
    locks = calloc((size_t)n, sizeof *locks);
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 64 << 10);
    pthread_barrier_init(&all, NULL, (unsigned)n);
    for (long i = 1; i < n; i++) {
        pthread_t t;
        if (pthread_create(&t, &a, link_of_chain, (void *)i)) return 1;
    }
    pthread_mutex_lock(&locks[0]);
    pthread_barrier_wait(&all);
    usleep(300000);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%ld.%09ld\n", now.tv_sec, now.tv_nsec);
    fflush(stdout);
    if (argc > 2) use_up();
    pthread_mutex_lock(&locks[1]);
    return 0;
}
