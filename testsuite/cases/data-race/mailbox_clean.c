/* What was written before a message, a line, or a signal is sent is there for who received it: by every call that sends
 * or receives one. */
// CLEAN
// FLAGS: -O0 -g -fno-builtin -Wno-unused-result
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../../../preload/fortified.h"

static int ends[2], event, seen, data, sysv, file, signals;
static mqd_t posix;
static FILE *in, *out;
static sigset_t usual, queued;
static pthread_t receiver;
static char text[4096], line[64];
static struct {
    long type;
    char text[8];
} message = {1, "hello"};
static struct timespec soon = {20, 0};

static void must(int ok) {
    if (!ok) abort();
}

static int print(int checked, const char *format, ...) {
    va_list v;
    va_start(v, format);
    int n = checked ? __vprintf_chk(1, format, v) : vprintf(format, v);
    va_end(v);
    return n;
}

static int stream(const char *format, ...) {
    va_list v;
    va_start(v, format);
    int n = vfprintf(out, format, v);
    va_end(v);
    return n;
}

/* One round of each: `data` is the sender's before, the receiver's after, and the answer comes back through a
 * semaphore-free pipe. */
enum {
    LINE,
    LINE_LIMITED,
    CHARACTER,
    FORMAT,
    CHECKED,
    EVENT,
    QUEUE,
    QUEUE_TIMED,
    SYSV,
    WAIT,
    WAIT_INFO,
    WAIT_TIMED,
    DESCRIPTOR,
    SELECT,
    POLL,
    POLL_LIMITED,
    FILES,
    ROUNDS
};

static void sends(int round) {
    switch (round) {
    case LINE:
        must(fputs("line\n", out) >= 0);
        break;
    case LINE_LIMITED:
        must(stream("%s\n", "line") == 5);
        break;
    case CHARACTER:
        must(fputc('a', out) == 'a' && putc('\n', out) == '\n');
        break;
    case FORMAT:
        must(fprintf(out, "%s\n", "line") == 5);
        break;
    case CHECKED:
        must(__fprintf_chk(out, 1, "%s\n", "line") == 5);
        break;
    case EVENT:
        must(eventfd_write(event, 1) == 0);
        return;
    case QUEUE:
        must(mq_send(posix, text, 8, 0) == 0);
        return;
    case QUEUE_TIMED:
        must(mq_timedsend(posix, text, 8, 0, &soon) == 0);
        return;
    case SYSV:
        must(msgsnd(sysv, &message, sizeof message.text, 0) == 0);
        return;
    case WAIT:
        must(pthread_kill(receiver, SIGUSR1) == 0);
        return;
    case WAIT_INFO:
        must(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 7}) == 0);
        return;
    case WAIT_TIMED:
        must(kill(getpid(), SIGUSR2) == 0);
        return;
    case DESCRIPTOR:
        must(kill(getpid(), SIGHUP) == 0);
        return;
    case SELECT:
    case POLL:
    case POLL_LIMITED:
        must(write(ends[1], "a\n", 2) == 2);
        return;
    case FILES:
        must(sendfile(ends[1], file, &(off_t){0}, 2) == 2 && sendfile64(ends[1], file, &(off64_t){0}, 2) == 2);
        return;
    }
    must(fflush(out) == 0);
}

static void receives(int round) {
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    int number;
    siginfo_t info;
    fd_set set;
    eventfd_t value;
    struct signalfd_siginfo got;
    switch (round) {
    case LINE:
        must(fgets(line, sizeof line, in) != NULL);
        break;
    case LINE_LIMITED:
        must(__fgets_chk(line, sizeof line, sizeof line, in) != NULL);
        break;
    case CHARACTER:
        must(fgetc(in) == 'a' && getc(in) == '\n');
        break;
    case FORMAT:
    case CHECKED:
        must(fread(line, 1, 5, in) == 5);
        break;
    case EVENT:
        must(eventfd_read(event, &value) == 0);
        break;
    case QUEUE:
        must(mq_receive(posix, text, sizeof text, NULL) == 8);
        break;
    case QUEUE_TIMED:
        must(mq_timedreceive(posix, text, sizeof text, NULL, &soon) == 8);
        break;
    case SYSV:
        must(msgrcv(sysv, &message, sizeof message.text, 0, 0) == sizeof message.text);
        break;
    case WAIT:
        must(sigwait(&usual, &number) == 0 && number == SIGUSR1);
        break;
    case WAIT_INFO:
        must(sigwaitinfo(&queued, &info) == SIGUSR2 && info.si_value.sival_int == 7);
        break;
    case WAIT_TIMED:
        must(sigtimedwait(&queued, &info, &(struct timespec){20, 0}) == SIGUSR2);
        break;
    case DESCRIPTOR:
        must(read(signals, &got, sizeof got) == sizeof got);
        break;
    case SELECT:
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        must(pselect(ends[0] + 1, &set, NULL, NULL, NULL, NULL) == 1);
        break;
    case POLL:
        must(__poll_chk(&p, 1, -1, sizeof p) == 1);
        break;
    case POLL_LIMITED:
        must(__ppoll_chk(&p, 1, NULL, NULL, sizeof p) == 1);
        break;
    case FILES:
        must(read(ends[0], line, 2) == 2 && read(ends[0], line, 2) == 2);
        break;
    }
    data++;
    if (round == SELECT || round == POLL || round == POLL_LIMITED) must(read(ends[0], line, 2) == 2);
}

static int back[2];

static void *receive(void *arg) {
    for (int round = 0; round < ROUNDS; round++) {
        receives(round);
        must(write(back[1], "", 1) == 1);
    }
    return arg;
}

int main(void) {
    char name[64], c;
    sigset_t all;
    sigemptyset(&usual), sigemptyset(&queued), sigemptyset(&all);
    sigaddset(&usual, SIGUSR1), sigaddset(&queued, SIGUSR2), sigaddset(&all, SIGHUP);
    signals = signalfd(-1, &all, 0);
    sigaddset(&all, SIGUSR1), sigaddset(&all, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    snprintf(name, sizeof name, "/mailbox-clean-%d", getpid());
    posix = mq_open(name, O_CREAT | O_RDWR, 0600, &(struct mq_attr){.mq_maxmsg = 4, .mq_msgsize = sizeof text});
    mq_unlink(name);
    sysv = msgget(IPC_PRIVATE, 0600);
    event = eventfd(0, 0);
    must(pipe(ends) == 0 && pipe(back) == 0 && posix >= 0 && sysv >= 0 && event >= 0 && signals >= 0);
    out = fdopen(dup(ends[1]), "w");
    in = fdopen(dup(ends[0]), "r");
    char path[] = "mailbox.XXXXXX";
    file = mkstemp(path);
    unlink(path);
    must(write(file, "ab", 2) == 2);
    soon.tv_sec += time(NULL);
    pthread_create(&receiver, NULL, receive, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        usleep(1000);
        data++;
        sends(round);
        must(read(back[0], &c, 1) == 1);
        seen += data;
    }
    pthread_join(receiver, NULL);
    msgctl(sysv, IPC_RMID, NULL);
    fclose(in);
    fclose(out);
    printf("%d rounds ", ROUNDS);
    print(0, "%d ", data);
    print(1, "%d ", seen);
    __printf_chk(1, "%s", "and");
    putchar(' ');
    puts("done");
    return data != 2 * ROUNDS;
}
