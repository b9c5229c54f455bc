/*
 * The checked twins that _FORTIFY_SOURCE calls: the same accesses as of the functions that they check. A size that does
 * not fit ends the process in the real function.
 */
#include "fortified.h"
#include "hands.h"
#include "idle.h"

/* ---- memory and strings */

TW_EXPORT void *__memcpy_chk(void *to, const void *from, size_t n, size_t room) {
    if (TW_RACING) {
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__memcpy_chk)(to, from, n, room);
}

TW_EXPORT void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room) {
    if (TW_RACING) {
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__mempcpy_chk)(to, from, n, room);
}

TW_EXPORT void *__memmove_chk(void *to, const void *from, size_t n, size_t room) {
    if (TW_RACING) {
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__memmove_chk)(to, from, n, room);
}

TW_EXPORT void *__memset_chk(void *p, int c, size_t n, size_t room) {
    if (TW_RACING) TW_WRITES(p, n);
    return TW_REAL(__memset_chk)(p, c, n, room);
}

TW_EXPORT char *__strcpy_chk(char *to, const char *from, size_t room) {
    if (TW_RACING) {
        size_t n = tw_hands_length(from, SIZE_MAX) + 1;
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__strcpy_chk)(to, from, room);
}

TW_EXPORT char *__stpcpy_chk(char *to, const char *from, size_t room) {
    if (TW_RACING) {
        size_t n = tw_hands_length(from, SIZE_MAX) + 1;
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__stpcpy_chk)(to, from, room);
}

TW_EXPORT char *__strncpy_chk(char *to, const char *from, size_t n, size_t room) {
    if (TW_RACING) {
        size_t part = tw_hands_length(from, n);
        TW_READS(from, part < n ? part + 1 : n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__strncpy_chk)(to, from, n, room);
}

TW_EXPORT char *__stpncpy_chk(char *to, const char *from, size_t n, size_t room) {
    if (TW_RACING) {
        size_t part = tw_hands_length(from, n);
        TW_READS(from, part < n ? part + 1 : n);
        TW_WRITES(to, n);
    }
    return TW_REAL(__stpncpy_chk)(to, from, n, room);
}

TW_EXPORT char *__strcat_chk(char *to, const char *from, size_t room) {
    if (TW_RACING) {
        size_t before = tw_hands_length(to, SIZE_MAX), n = tw_hands_length(from, SIZE_MAX) + 1;
        TW_READS(from, n);
        TW_READS(to, before + 1);
        TW_WRITES(to + before, n);
    }
    return TW_REAL(__strcat_chk)(to, from, room);
}

TW_EXPORT char *__strncat_chk(char *to, const char *from, size_t max, size_t room) {
    if (TW_RACING) {
        size_t before = tw_hands_length(to, SIZE_MAX), n = tw_hands_length(from, max);
        TW_READS(from, n < max ? n + 1 : n);
        TW_READS(to, before + 1);
        TW_WRITES(to + before, n + 1);
    }
    return TW_REAL(__strncat_chk)(to, from, max, room);
}

/* ---- formats */

TW_EXPORT int __vsprintf_chk(char *p, int flag, size_t room, const char *format, va_list values) {
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(__vsprintf_chk)(p, flag, room, format, values);
    if (TW_RACING && n >= 0) TW_WRITES(p, (size_t)n + 1);
    return n;
}

TW_EXPORT int __sprintf_chk(char *p, int flag, size_t room, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(__vsprintf_chk)(p, flag, room, format, values);
    va_end(values);
    if (TW_RACING && n >= 0) TW_WRITES(p, (size_t)n + 1);
    return n;
}

TW_EXPORT int __vsnprintf_chk(char *p, size_t max, int flag, size_t room, const char *format, va_list values) {
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(__vsnprintf_chk)(p, max, flag, room, format, values);
    if (TW_RACING && n >= 0 && max) TW_WRITES(p, (size_t)n < max ? (size_t)n + 1 : max);
    return n;
}

TW_EXPORT int __snprintf_chk(char *p, size_t max, int flag, size_t room, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(__vsnprintf_chk)(p, max, flag, room, format, values);
    va_end(values);
    if (TW_RACING && n >= 0 && max) TW_WRITES(p, (size_t)n < max ? (size_t)n + 1 : max);
    return n;
}

TW_EXPORT int __vfprintf_chk(FILE *f, int flag, const char *format, va_list values) {
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(f);
    }
    return TW_REAL(__vfprintf_chk)(f, flag, format, values);
}

TW_EXPORT int __fprintf_chk(FILE *f, int flag, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(f);
    }
    int n = TW_REAL(__vfprintf_chk)(f, flag, format, values);
    va_end(values);
    return n;
}

TW_EXPORT int __vprintf_chk(int flag, const char *format, va_list values) {
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(stdout);
    }
    return TW_REAL(__vprintf_chk)(flag, format, values);
}

TW_EXPORT int __printf_chk(int flag, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(stdout);
    }
    int n = TW_REAL(__vprintf_chk)(flag, format, values);
    va_end(values);
    return n;
}

/* ---- streams and descriptors */

TW_EXPORT char *__fgets_chk(char *p, size_t room, int n, FILE *f) {
    char *got = TW_REAL(__fgets_chk)(p, room, n, f);
    if (TW_RACING && got) {
        tw_hands_arrived(f->_fileno);
        TW_WRITES(p, tw_hands_length(p, (size_t)n) + 1);
    }
    return got;
}

TW_EXPORT size_t __fread_chk(void *p, size_t room, size_t size, size_t count, FILE *f) {
    size_t got = TW_REAL(__fread_chk)(p, room, size, count, f);
    if (TW_RACING) {
        tw_hands_arrived(f->_fileno);
        TW_WRITES(p, size * got);
    }
    return got;
}

TW_EXPORT ssize_t __read_chk(int fd, void *p, size_t n, size_t room) {
    ssize_t got = TW_REAL(__read_chk)(fd, p, n, room);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room) {
    ssize_t got = TW_REAL(__pread_chk)(fd, p, n, at, room);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room) {
    ssize_t got = TW_REAL(__pread64_chk)(fd, p, n, at, room);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got);
    }
    return got;
}

TW_EXPORT ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags) {
    ssize_t got = TW_REAL(__recv_chk)(fd, p, n, room, flags);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got < n ? (size_t)got : n); /* MSG_TRUNC tells more than came */
    }
    return got;
}

TW_EXPORT ssize_t __recvfrom_chk(
        int fd, void *p, size_t n, size_t room, int flags, __SOCKADDR_ARG from, socklen_t *size) {
    ssize_t got = TW_REAL(__recvfrom_chk)(fd, p, n, room, flags, from, size);
    if (TW_RACING && got >= 0) {
        tw_hands_arrived(fd);
        TW_WRITES(p, (size_t)got < n ? (size_t)got : n);
    }
    return got;
}

TW_EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t room) {
    const uint64_t since = timeout ? tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA) : 0;
    int n = TW_REAL(__poll_chk)(fds, count, timeout, room);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}

TW_EXPORT int __ppoll_chk(
        struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room) {
    const uint64_t since = tw_idle_begin(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, TW_CALLER, TW_CFA);
    int n = TW_REAL(__ppoll_chk)(fds, count, timeout, mask, room);
    tw_idle_end(TW_IDLE_SEVERAL, TWATCH_EVENTS_SEVERAL, since, n, TW_CALLER, TW_CFA);
    if (TW_RACING && n > 0) tw_hands_woken();
    return n;
}
