/* A field of a heap block that two threads change, found by sampling what threads are about to touch. */
// FLAGS: -O2 -g
// OPTIONS: races=sample
// TIMEOUT: 240
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct stats {
    long pad[7], served;
};

static int used_up(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec > 7;
}

static void serve(struct stats *s) {
    s->served++; // EXPECT(data-race): the field
}

static void *server(void *arg) {
    while (!used_up())
        for (int i = 0; i < 1000; i++) {
            serve(arg);
            __asm__ volatile("" ::: "memory");
        }
    return arg;
}

int main(void) {
    struct stats *s = calloc(1, sizeof *s);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, server, s);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    int wrong = s->served == 0;
    free(s);
    return wrong;
}
