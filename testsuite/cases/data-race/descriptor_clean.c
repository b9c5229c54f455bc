/* Pipes, sockets, eventfds and epoll hand over what was written before. */
// CLEAN
// RUN: pipe
// RUN: socket
// RUN: eventfd
// RUN: epoll
// RUN: poll
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2], data;
static const char *how;

static void *reader(void *arg) {
    uint64_t token;
    if (strcmp(how, "poll") == 0) {
        struct pollfd p = {.fd = ends[0], .events = POLLIN};
        poll(&p, 1, -1);
    }
    if (strcmp(how, "epoll") == 0) {
        struct epoll_event e = {.events = EPOLLIN};
        int set = epoll_create1(0);
        epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e);
        epoll_wait(set, &e, 1, -1);
        close(set);
    }
    if (read(ends[0], &token, sizeof token) == sizeof token) data++;
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t;
    uint64_t token = 1;
    how = argc > 1 ? argv[1] : "pipe";
    int bad = strcmp(how, "socket") == 0 ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
              : strcmp(how, "eventfd")   ? pipe(ends)
                                         : 0;
    if (strcmp(how, "eventfd") == 0) ends[0] = ends[1] = eventfd(0, 0);
    pthread_create(&t, NULL, reader, NULL);
    usleep(20000);
    data = 41;
    if (bad || write(ends[1], &token, sizeof token) != sizeof token) return 1;
    pthread_join(t, NULL);
    return data != 42;
}
