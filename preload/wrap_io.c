/*
 * Descriptors order memory for the race engine: who reads from a pipe, socket, eventfd or file, or is woken by epoll or
 * poll, comes after those who wrote to it. Active only while the engine runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "hands.h"
#include "idle.h"
#include "race_sample.h"
#include "unwind.h"

/* ---- in */

/*
 * libunwind's probe of memory goes to the kernel directly. libc's read and write are cancellation points, and one that
 * is cancelled while cancellation is disabled, as it is around libunwind, waits for ever in glibc 2.36
 * (__pthread_disable_asynccancel).
 */
static TW_NOINLINE ssize_t probe(long number, int fd, uintptr_t p, size_t n) {
    long r = tw_sys(number, fd, p, n);
    if (r >= 0) return r;
    errno = (int)-r;
    return -1;
}

TW_EXPORT ssize_t read(int fd, void *p, size_t n) {
    tw_sample_wake();
    if (TW_UNLIKELY(tw_unwind_calls(TW_CALLER))) return probe(SYS_read, fd, (uintptr_t)p, n);
    const uint64_t since = tw_idle_read();
    ssize_t got = TW_REAL(read)(fd, p, n);
    tw_idle_read_over(fd, since, got, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t pread(int fd, void *p, size_t n, off_t at) {
    ssize_t got = TW_REAL(pread)(fd, p, n, at);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t pread64(int fd, void *p, size_t n, off64_t at) {
    ssize_t got = TW_REAL(pread64)(fd, p, n, at);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t readv(int fd, const struct iovec *v, int n) {
    tw_sample_wake();
    const uint64_t since = tw_idle_read();
    ssize_t got = TW_REAL(readv)(fd, v, n);
    tw_idle_read_over(fd, since, got, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        tw_hands_vector(v, (size_t)n, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t recv(int fd, void *p, size_t n, int flags) {
    tw_sample_wake();
    const uint64_t since = tw_idle_read();
    ssize_t got = TW_REAL(recv)(fd, p, n, flags);
    tw_idle_read_over(fd, since, got, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got < n ? (size_t)got : n); /* MSG_TRUNC tells more than came */
    }
    return got;
}

TW_EXPORT ssize_t recvfrom(int fd, void *p, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size) {
    tw_sample_wake();
    const uint64_t since = tw_idle_read();
    ssize_t got = TW_REAL(recvfrom)(fd, p, n, flags, from, size);
    tw_idle_read_over(fd, since, got, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got < n ? (size_t)got : n);
    }
    return got;
}

TW_EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
    tw_sample_wake();
    const uint64_t since = tw_idle_read();
    ssize_t got = TW_REAL(recvmsg)(fd, m, flags);
    tw_idle_read_over(fd, since, got, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        tw_hands_vector(m->msg_iov, m->msg_iovlen, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t preadv(int fd, const struct iovec *v, int n, off_t at) {
    ssize_t got = TW_REAL(preadv)(fd, v, n, at);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        tw_hands_vector(v, (size_t)n, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t preadv64(int fd, const struct iovec *v, int n, off64_t at) {
    ssize_t got = TW_REAL(preadv64)(fd, v, n, at);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        tw_hands_vector(v, (size_t)n, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *limit) {
    int got = TW_REAL(recvmmsg)(fd, m, n, flags, limit);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        for (int i = 0; i < got; i++)
            tw_hands_vector(m[i].msg_hdr.msg_iov, m[i].msg_hdr.msg_iovlen, m[i].msg_len, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT int eventfd_read(int fd, eventfd_t *value) {
    const uint64_t since = tw_idle_read();
    int rc = TW_REAL(eventfd_read)(fd, value);
    tw_idle_read_over(fd, since, rc == 0 ? 1 : -1, TW_CALLER, TW_CFA);
    if (TW_RACING && rc == 0) {
        tw_hands_arrived(fd);
        TW_WRITES(value, sizeof *value);
    }
    return rc;
}

TW_EXPORT int accept(int fd, __SOCKADDR_ARG peer, socklen_t *size) {
    const uint64_t since = tw_idle_read();
    int got = TW_REAL(accept)(fd, peer, size);
    tw_idle_read_over(fd, since, got < 0 ? -1 : 1, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) tw_hands_accepted(got);
    return got;
}

TW_EXPORT int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *size, int flags) {
    const uint64_t since = tw_idle_read();
    int got = TW_REAL(accept4)(fd, peer, size, flags);
    tw_idle_read_over(fd, since, got < 0 ? -1 : 1, TW_CALLER, TW_CFA);
    if (TW_RACING && got >= 0) tw_hands_accepted(got);
    return got;
}

/* ---- out */

TW_EXPORT ssize_t write(int fd, const void *p, size_t n) {
    tw_sample_wake();
    if (TW_UNLIKELY(tw_unwind_calls(TW_CALLER))) return probe(SYS_write, fd, (uintptr_t)p, n);
    tw_hands_writing(fd);
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(write)(fd, p, n);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
    tw_hands_writing(fd);
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(pwrite)(fd, p, n, at);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) {
    tw_hands_writing(fd);
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(pwrite64)(fd, p, n, at);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT ssize_t writev(int fd, const struct iovec *v, int n) {
    tw_sample_wake();
    tw_hands_writing(fd);
    if (TW_RACING) {
        tw_hands_vector(v, (size_t)n, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(writev)(fd, v, n);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT ssize_t send(int fd, const void *p, size_t n, int flags) {
    tw_sample_wake();
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(fd);
    }
    return TW_REAL(send)(fd, p, n, flags);
}

TW_EXPORT ssize_t sendto(int fd, const void *p, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t size) {
    if (TW_RACING) {
        TW_READS(p, n);
        tw_hands_reaches(fd);
    }
    return TW_REAL(sendto)(fd, p, n, flags, to, size);
}

TW_EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
    tw_sample_wake();
    if (TW_RACING) {
        tw_hands_vector(m->msg_iov, m->msg_iovlen, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        tw_hands_reaches(fd);
    }
    return TW_REAL(sendmsg)(fd, m, flags);
}

TW_EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at) {
    tw_hands_writing(fd);
    if (TW_RACING) {
        tw_hands_vector(v, (size_t)n, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(pwritev)(fd, v, n, at);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at) {
    tw_hands_writing(fd);
    if (TW_RACING) {
        tw_hands_vector(v, (size_t)n, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        tw_hands_reaches(fd);
    }
    ssize_t put = TW_REAL(pwritev64)(fd, v, n, at);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags) {
    if (TW_RACING) {
        for (unsigned i = 0; i < n; i++)
            tw_hands_vector(m[i].msg_hdr.msg_iov, m[i].msg_hdr.msg_iovlen, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        tw_hands_reaches(fd);
    }
    return TW_REAL(sendmmsg)(fd, m, n, flags);
}

TW_EXPORT int eventfd_write(int fd, eventfd_t value) {
    if (TW_RACING) tw_hands_reaches(fd);
    return TW_REAL(eventfd_write)(fd, value);
}

/* The kernel copies; the data comes from one descriptor and goes out through the other. */
TW_EXPORT ssize_t sendfile(int to, int from, off_t *at, size_t n) {
    if (TW_RACING) tw_hands_reaches(to);
    return TW_REAL(sendfile)(to, from, at, n);
}

TW_EXPORT ssize_t sendfile64(int to, int from, off64_t *at, size_t n) {
    if (TW_RACING) tw_hands_reaches(to);
    return TW_REAL(sendfile64)(to, from, at, n);
}

TW_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t size) {
    if (TW_RACING) tw_hands_reaches(fd);
    return TW_REAL(connect)(fd, to, size);
}

TW_EXPORT int shutdown(int fd, int how) {
    if (TW_RACING) tw_hands_reaches(fd);
    return TW_REAL(shutdown)(fd, how);
}

TW_EXPORT int close(int fd) {
    if (TW_UNLIKELY(tw_sample_on) && tw_sample_owns(fd)) {
        errno = EBADF; /* a program that closes all there are */
        return -1;
    }
    if (TW_RACING) {
        tw_hands_reaches(fd); /* the other side may wait for the end */
        tw_hands_forget(fd);
    }
    return TW_REAL(close)(fd);
}

/* Around the descriptors that the program does not know of. */
TW_EXPORT int close_range(unsigned first, unsigned last, int flags) {
    int64_t own;
    while (TW_UNLIKELY((own = tw_sample_next_own(first)) >= 0 && own <= last)) {
        int rc = own > first ? TW_REAL(close_range)(first, (unsigned)own - 1, flags) : 0;
        if (rc != 0 || own == last) return rc;
        first = (unsigned)own + 1;
    }
    return TW_REAL(close_range)(first, last, flags);
}

TW_EXPORT void closefrom(int first) {
    if (tw_sample_next_own(0) < 0 || close_range(first > 0 ? (unsigned)first : 0, ~0u, 0) != 0) TW_REAL(closefrom)(first);
}

TW_EXPORT int dup2(int from, int to) {
    if (TW_RACING) tw_hands_forget(to);
    return TW_REAL(dup2)(from, to);
}

TW_EXPORT int dup3(int from, int to, int flags) {
    if (TW_RACING) tw_hands_forget(to);
    return TW_REAL(dup3)(from, to, flags);
}

/* ---- wake-ups: what was written to any descriptor before */

TW_EXPORT int epoll_ctl(int set, int what, int fd, struct epoll_event *event) {
    if (TW_RACING) tw_hands_reaches(set);
    return TW_REAL(epoll_ctl)(set, what, fd, event);
}

TW_EXPORT int epoll_wait(int set, struct epoll_event *events, int max, int timeout) {
    tw_sample_wake();
    const uint64_t since = timeout ? tw_idle_begin(set, TWATCH_EVENTS_SET, TW_CALLER, TW_CFA) : 0;
    int n = TW_REAL(epoll_wait)(set, events, max, timeout);
    tw_idle_end(set, TWATCH_EVENTS_SET, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int epoll_pwait(int set, struct epoll_event *events, int max, int timeout, const sigset_t *mask) {
    tw_sample_wake();
    const uint64_t since = timeout ? tw_idle_begin(set, TWATCH_EVENTS_SET, TW_CALLER, TW_CFA) : 0;
    int n = TW_REAL(epoll_pwait)(set, events, max, timeout, mask);
    tw_idle_end(set, TWATCH_EVENTS_SET, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout) {
    tw_sample_wake();
    const uint64_t since = timeout ? tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA) : 0;
    int n = TW_REAL(poll)(fds, count, timeout);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    tw_sample_wake();
    const uint64_t since = tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA);
    int n = TW_REAL(ppoll)(fds, count, timeout, mask);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout) {
    tw_sample_wake();
    const uint64_t since = tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA);
    int n = TW_REAL(select)(count, in, out, except, timeout);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int pselect(
        int count, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout, const sigset_t *mask) {
    const uint64_t since = tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA);
    int n = TW_REAL(pselect)(count, in, out, except, timeout, mask);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}
