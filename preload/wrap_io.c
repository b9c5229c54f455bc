/*
 * Descriptors order memory for the race engine: who reads from a pipe, socket, eventfd or file, or is woken by epoll or
 * poll, comes after those who wrote to it. Active only while the engine runs: one load, test and jump otherwise.
 *
 * What a descriptor stands for is its inode, so that both ends of a pipe and all opens of a file are one; all sockets
 * are one, since a peer's end cannot be told; anonymous ones (eventfd, timerfd, epoll) go by number. Coarser than the
 * truth can hide a race, and never invents one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "race/hooks.h"
#include "real.h"
#include "thread.h"
#include "unwind.h"

enum { FDS = 1 << 16, SOCKETS = 1, WOKEN = 2, NONE = 3, FIRST_KEY = 1 << 20 };

/* Keys are addresses that no object has: small numbers. By descriptor; 0: not looked at since it was opened. */
static uint64_t keys[FDS];

static uint64_t look(int fd) {
    struct stat st;
    if (tw_sys(SYS_fstat, fd, &st) < 0) return NONE;
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
        return SOCKETS;
    case S_IFIFO:
    case S_IFREG:
        return (uint64_t)FIRST_KEY + (tw_sys_mix((uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 32) & 0x3fffffffu);
    case S_IFCHR:
    case S_IFBLK:
    case S_IFDIR:
        return NONE;
    default:
        return (uint64_t)FIRST_KEY * 2048 + (uint64_t)fd;
    }
}

static uint64_t key_of(int fd) {
    if (fd < 0) return NONE;
    if (fd >= FDS) return look(fd);
    uint64_t k = __atomic_load_n(&keys[fd], __ATOMIC_RELAXED);
    if (!k) {
        k = look(fd);
        __atomic_store_n(&keys[fd], k, __ATOMIC_RELAXED);
    }
    return k;
}

static TW_NOINLINE void reaches(int fd) { /* before data, a connection or the end of it goes out */
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint64_t k = key_of(fd);
    if (k != NONE) {
        tw_race->release(k);
        tw_race->release(WOKEN);
    }
    tw_leave(t);
}

static TW_NOINLINE void arrived(uint64_t k, int fd) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (!k) k = key_of(fd);
    if (k != NONE) tw_race->acquire(k);
    tw_leave(t);
}

static TW_NOINLINE void touched(const void *p, size_t n, int is_write, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_race->range((uintptr_t)p, n, is_write, pc, cfa);
    tw_leave(t);
}

static void touched_vector(const struct iovec *v, int n, size_t bytes, int is_write, uintptr_t pc, uintptr_t cfa) {
    for (int i = 0; i < n && bytes; i++) {
        size_t part = v[i].iov_len < bytes ? v[i].iov_len : bytes;
        touched(v[i].iov_base, part, is_write, pc, cfa);
        bytes -= part;
    }
}

#define RACING TW_UNLIKELY(tw_race != NULL)

/* ---- in */

/*
 * libunwind's probe of memory goes to the kernel directly. libc's read and write are cancellation points, and one that is cancelled while cancellation is disabled,
 * as it is around libunwind, waits for ever in glibc 2.36 (__pthread_disable_asynccancel).
 */
static TW_NOINLINE ssize_t probe(long number, int fd, uintptr_t p, size_t n) {
    long r = tw_sys(number, fd, p, n);
    if (r >= 0) return r;
    errno = (int)-r;
    return -1;
}

TW_EXPORT ssize_t read(int fd, void *p, size_t n) {
    if (TW_UNLIKELY(tw_unwind_calls(TW_CALLER))) return probe(SYS_read, fd, (uintptr_t)p, n);
    ssize_t got = TW_REAL(read)(fd, p, n);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched(p, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t pread(int fd, void *p, size_t n, off_t at) {
    ssize_t got = TW_REAL(pread)(fd, p, n, at);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched(p, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t readv(int fd, const struct iovec *v, int n) {
    ssize_t got = TW_REAL(readv)(fd, v, n);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched_vector(v, n, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t recv(int fd, void *p, size_t n, int flags) {
    ssize_t got = TW_REAL(recv)(fd, p, n, flags);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched(p, (size_t)got < n ? (size_t)got : n, 1, TW_CALLER, TW_CFA); /* MSG_TRUNC tells more than came */
    }
    return got;
}

TW_EXPORT ssize_t recvfrom(int fd, void *p, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size) {
    ssize_t got = TW_REAL(recvfrom)(fd, p, n, flags, from, size);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched(p, (size_t)got < n ? (size_t)got : n, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
    ssize_t got = TW_REAL(recvmsg)(fd, m, flags);
    if (RACING && got >= 0) {
        arrived(0, fd);
        touched_vector(m->msg_iov, (int)m->msg_iovlen, (size_t)got, 1, TW_CALLER, TW_CFA);
    }
    return got;
}

TW_EXPORT int accept(int fd, __SOCKADDR_ARG peer, socklen_t *size) {
    int got = TW_REAL(accept)(fd, peer, size);
    if (RACING && got >= 0) {
        if (got < FDS) keys[got] = 0;
        arrived(SOCKETS, got);
    }
    return got;
}

TW_EXPORT int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *size, int flags) {
    int got = TW_REAL(accept4)(fd, peer, size, flags);
    if (RACING && got >= 0) {
        if (got < FDS) keys[got] = 0;
        arrived(SOCKETS, got);
    }
    return got;
}

/* ---- out */

TW_EXPORT ssize_t write(int fd, const void *p, size_t n) {
    if (TW_UNLIKELY(tw_unwind_calls(TW_CALLER))) return probe(SYS_write, fd, (uintptr_t)p, n);
    if (RACING) {
        touched(p, n, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(write)(fd, p, n);
}

TW_EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
    if (RACING) {
        touched(p, n, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(pwrite)(fd, p, n, at);
}

TW_EXPORT ssize_t writev(int fd, const struct iovec *v, int n) {
    if (RACING) {
        touched_vector(v, n, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(writev)(fd, v, n);
}

TW_EXPORT ssize_t send(int fd, const void *p, size_t n, int flags) {
    if (RACING) {
        touched(p, n, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(send)(fd, p, n, flags);
}

TW_EXPORT ssize_t sendto(int fd, const void *p, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t size) {
    if (RACING) {
        touched(p, n, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(sendto)(fd, p, n, flags, to, size);
}

TW_EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
    if (RACING) {
        touched_vector(m->msg_iov, (int)m->msg_iovlen, SIZE_MAX, 0, TW_CALLER, TW_CFA);
        reaches(fd);
    }
    return TW_REAL(sendmsg)(fd, m, flags);
}

TW_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t size) {
    if (RACING) reaches(fd);
    return TW_REAL(connect)(fd, to, size);
}

TW_EXPORT int shutdown(int fd, int how) {
    if (RACING) reaches(fd);
    return TW_REAL(shutdown)(fd, how);
}

TW_EXPORT int close(int fd) {
    if (RACING) {
        reaches(fd); /* the other side may wait for the end */
        if (fd >= 0 && fd < FDS) keys[fd] = 0;
    }
    return TW_REAL(close)(fd);
}

TW_EXPORT int dup2(int from, int to) {
    if (RACING && to >= 0 && to < FDS) keys[to] = 0;
    return TW_REAL(dup2)(from, to);
}

TW_EXPORT int dup3(int from, int to, int flags) {
    if (RACING && to >= 0 && to < FDS) keys[to] = 0;
    return TW_REAL(dup3)(from, to, flags);
}

/* ---- wake-ups: what was written to any descriptor before */

TW_EXPORT int epoll_ctl(int set, int what, int fd, struct epoll_event *event) {
    if (RACING) reaches(set);
    return TW_REAL(epoll_ctl)(set, what, fd, event);
}

TW_EXPORT int epoll_wait(int set, struct epoll_event *events, int max, int timeout) {
    int n = TW_REAL(epoll_wait)(set, events, max, timeout);
    if (RACING && n > 0) arrived(WOKEN, set);
    return n;
}

TW_EXPORT int epoll_pwait(int set, struct epoll_event *events, int max, int timeout, const sigset_t *mask) {
    int n = TW_REAL(epoll_pwait)(set, events, max, timeout, mask);
    if (RACING && n > 0) arrived(WOKEN, set);
    return n;
}

TW_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout) {
    int n = TW_REAL(poll)(fds, count, timeout);
    if (RACING && n > 0) arrived(WOKEN, 0);
    return n;
}

TW_EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
    int n = TW_REAL(ppoll)(fds, count, timeout, mask);
    if (RACING && n > 0) arrived(WOKEN, 0);
    return n;
}

TW_EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout) {
    int n = TW_REAL(select)(count, in, out, except, timeout);
    if (RACING && n > 0) arrived(WOKEN, 0);
    return n;
}
