/* What the kernel says about one thread, from /proc: reading it disturbs nobody. */
#include "status.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct status_call {
    long number;
    const char *name;
} status_calls[] = {
#define CALL(name)                                                                                                     \
    { SYS_##name, #name }
        CALL(read),
        CALL(write),
        CALL(poll),
        CALL(select),
        CALL(pselect6),
        CALL(ppoll),
        CALL(epoll_wait),
        CALL(epoll_pwait),
        CALL(epoll_pwait2),
        CALL(accept),
        CALL(accept4),
        CALL(connect),
        CALL(recvfrom),
        CALL(recvmsg),
        CALL(recvmmsg),
        CALL(sendto),
        CALL(sendmsg),
        CALL(nanosleep),
        CALL(clock_nanosleep),
        CALL(wait4),
        CALL(waitid),
        CALL(pause),
        CALL(rt_sigtimedwait),
        CALL(rt_sigsuspend),
        CALL(futex),
        CALL(flock),
        CALL(fcntl),
        CALL(fsync),
        CALL(fdatasync),
        CALL(pread64),
        CALL(pwrite64),
        CALL(readv),
        CALL(writev),
        CALL(preadv),
        CALL(pwritev),
        CALL(io_getevents),
        CALL(io_uring_enter),
        CALL(mq_timedreceive),
        CALL(mq_timedsend),
        CALL(msgrcv),
        CALL(msgsnd),
        CALL(semop),
        CALL(semtimedop),
        CALL(restart_syscall),
        CALL(sched_yield),
        CALL(ioctl),
        CALL(openat),
        CALL(signalfd4),
        CALL(splice),
        CALL(sendfile),
#undef CALL
};

static bool status_read(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The letter of /proc/PID/task/TID/stat; the name before it may hold anything but ends at the last bracket. */
static char status_letter(const char *text) {
    const char *bracket = strrchr(text, ')');
    return bracket && bracket[1] == ' ' ? bracket[2] : '?';
}

const char *status_doing(struct arena *a, int pid, int tid) {
    char path[96], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    if (!status_read(path, text, sizeof text)) return NULL;
    char letter = status_letter(text);
    if (letter == 'R') return "running";
    if (letter == 'T' || letter == 't') return "stopped";
    if (letter == 'Z' || letter == 'X') return "ended";
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
    if (status_read(path, text, sizeof text)) {
        if (text[0] < '0' || text[0] > '9') return "running";
        long number = strtol(text, NULL, 10);
        for (size_t i = 0; i < sizeof status_calls / sizeof *status_calls; i++)
            if (status_calls[i].number == number) return arena_printf(a, "in %s", status_calls[i].name);
        return arena_printf(a, "in system call %ld", number);
    }
    snprintf(path, sizeof path, "/proc/%d/task/%d/wchan", pid, tid);
    if (status_read(path, text, sizeof text) && strcmp(text, "0") != 0) return arena_printf(a, "asleep in %s", text);
    return letter == 'D' ? "waits for a device" : "asleep";
}
