/* Every call that carries data or news between threads, with a wait on the other side: sockets, descriptors, streams,
 * signals. */
// CLEAN
// FLAGS: -O0 -g -fno-builtin
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct sockaddr_in place = {.sin_family = AF_INET};
static int listener, pair[2], handed, second;
static volatile sig_atomic_t seen;

static int compare(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static int print(char *to, size_t size, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int n = vsnprintf(to, size, format, values);
    va_end(values);
    return n;
}

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    seen = info->si_value.sival_int;
}

static void wait_readable(int fd, int how) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct epoll_event e = {.events = EPOLLIN};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    int queue = epoll_create1(0);
    epoll_ctl(queue, EPOLL_CTL_ADD, fd, &e);
    if (how == 0) ppoll(&p, 1, NULL, NULL);
    if (how == 1) select(fd + 1, &set, NULL, NULL, NULL);
    if (how == 2) epoll_pwait(queue, &e, 1, -1, NULL);
    close(queue);
}

/* Answers four messages, each received by another call, over the stream that it accepts. */
static void *server(void *arg) {
    char text[16] = "";
    struct iovec part = {text, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int s = second ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : accept(listener, NULL, NULL);
    for (int how = 0; how < 4; how++) {
        wait_readable(s, how);
        long n = how == 0   ? recv(s, text, 1, 0)
                 : how == 1 ? recvfrom(s, text, 1, 0, NULL, NULL)
                 : how == 2 ? recvmsg(s, &message, 0)
                            : readv(s, &part, 1);
        if (n != 1) return NULL;
        handed += text[0] == 'a' + how;
        if (send(s, text, 1, 0) != 1) return NULL;
    }
    shutdown(s, SHUT_RDWR);
    close(s);
    return arg;
}

static int client(void) {
    char text[4];
    struct iovec part = {text, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&place, sizeof place)) return 0;
    for (int how = 0; how < 4; how++) {
        text[0] = (char)('a' + how);
        handed++;
        long n = how == 0   ? send(s, text, 1, 0)
                 : how == 1 ? sendto(s, text, 1, 0, NULL, 0)
                 : how == 2 ? sendmsg(s, &message, 0)
                            : writev(s, &part, 1);
        if (n != 1 || read(s, text, 1) != 1) return 0;
    }
    close(s);
    return 1;
}

static void *streams(void *arg) {
    char line[32], copy[32], *got = NULL;
    size_t size = 0;
    int numbers[4] = {3, 1, 2, 0};
    FILE *f = tmpfile();
    fputs("one\n", f);
    fwrite("two\n", 1, 4, f);
    fseek(f, 0, SEEK_SET);
    if (!fgets(line, sizeof line, f) || getline(&got, &size, f) != 4) return NULL;
    fseek(f, 0, SEEK_SET);
    if (fread(copy, 1, 4, f) != 4 || pread(fileno(f), copy, 4, 0) != 4) return NULL;
    qsort(numbers, 4, sizeof *numbers, compare);
    if (memcmp(copy, strcpy(line, "one\n"), (size_t)numbers[3]) || strncpy(line, got, 4)[0] != 't') return NULL;
    free(got);
    char *map = mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(f), 0);
    if (map == MAP_FAILED || print(line, sizeof line, "%.3s", map) != 3) return NULL;
    munmap(map, 4096);
    fclose(f);
    int spare = dup2(pair[0], 90);
    if (dup3(pair[1], 91, O_CLOEXEC) != 91) return NULL;
    close(spare);
    close(91);
    return arg;
}

int main(void) {
    pthread_t t, u;
    void *a = NULL, *b = NULL;
    sigset_t mask;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    socklen_t length = sizeof place;
    sigemptyset(&mask);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    sigaction(SIGUSR1, &action, NULL);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || bind(listener, (struct sockaddr *)&place, length) ||
            listen(listener, 4))
        return 2;
    if (getsockname(listener, (struct sockaddr *)&place, &length)) return 2;
    pthread_create(&t, NULL, server, &t);
    int answered = client();
    pthread_join(t, &a);
    second = 1;
    pthread_create(&t, NULL, server, &t);
    answered += client();
    pthread_create(&u, NULL, streams, &u);
    pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = 5});
    pthread_join(t, NULL);
    pthread_join(u, &b);
    return a && b && answered == 2 && seen == 5 ? 0 : 1;
}
