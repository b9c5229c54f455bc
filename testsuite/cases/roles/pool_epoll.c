/* Event loops, each at an epoll set of its own, that are handed their work through pipes: a pool. Threads that each wait
   for the one peer they were made for are none. */
// CLEAN
// ROLE(pools): name=loop, size=3, tasks>=60, busy_percent<=60, queue_kind=epoll set
// NOROLE(pools): name=serve
// NOROLE(pools): says~w
#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS = 3, TASKS = 60, PEERS = 4 };
static int set[LOOPS], in[LOOPS], out[LOOPS];

static void nap_ms(long ms) {
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void *loop(void *arg) {
    int *at = arg;
    for (char c = ' '; c != 'q';) {
        struct epoll_event e;
        if (epoll_wait(set[*at], &e, 1, -1) != 1 || read(in[*at], &c, 1) != 1) break;
        nap_ms(1);
    }
    return NULL;
}

static void *serve(void *arg) {
    int *fd = arg;
    char c;
    while (read(*fd, &c, 1) == 1)
        nap_ms(1);
    return NULL;
}

int main(void) {
    pthread_t t[LOOPS], peer[PEERS];
    int number[LOOPS], pipes[PEERS][2], ends[2];
    for (int i = 0; i < LOOPS; i++) {
        set[i] = epoll_create1(0);
        if (pipe(ends) != 0) return 1;
        in[i] = ends[0], out[i] = ends[1], number[i] = i;
        epoll_ctl(set[i], EPOLL_CTL_ADD, in[i], &(struct epoll_event){.events = EPOLLIN});
        pthread_create(&t[i], NULL, loop, &number[i]);
    }
    for (int i = 0; i < PEERS; i++) {
        if (pipe(pipes[i]) != 0) return 1;
        pthread_create(&peer[i], NULL, serve, &pipes[i][0]);
    }
    for (int i = 0; i < TASKS; i++) {
        if (write(out[i % LOOPS], ".", 1) != 1 || write(pipes[i % PEERS][1], ".", 1) != 1) return 1;
        nap_ms(12);
    }
    for (int i = 0; i < LOOPS; i++)
        if (write(out[i], "q", 1) != 1) return 1;
    for (int i = 0; i < LOOPS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < PEERS; i++) {
        close(pipes[i][1]);
        pthread_join(peer[i], NULL);
    }
    return 0;
}
