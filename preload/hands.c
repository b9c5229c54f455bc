/*
 * What a descriptor stands for is its inode, so that both ends of a pipe and all opens of a file are one; all sockets
 * are one, since a peer's end cannot be told; anonymous ones (eventfd, timerfd, epoll) go by number. Coarser than the
 * truth can hide a race, and never invents one.
 */
#include "hands.h"
#include "thread.h"

#include <sys/stat.h>

enum { FDS = 1 << 16, SOCKETS = 1, WOKEN = 2, NONE = 3, OTHERS = 16, FIRST_KEY = 1 << 20 };

/* Keys are addresses that no object has: small numbers. By descriptor; 0: not looked at since it was opened. */
static uint64_t keys[FDS];

/* A thread that the library does not know yet is not attached from here: attaching copies memory. */
TW_NOINLINE void tw_hands_touched(const void *p, size_t n, int is_write, uintptr_t pc, uintptr_t cfa) {
    if (!n || tw_race->known((uintptr_t)p, n, is_write)) return;
    if (!tw_self || tw_self->busy || tw_self->ended) return;
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_race->range((uintptr_t)p, n, is_write, pc, cfa);
    tw_leave(t);
}

void tw_hands_vector(const struct iovec *v, size_t n, size_t bytes, int is_write, uintptr_t pc, uintptr_t cfa) {
    for (size_t i = 0; i < n && bytes; i++) {
        size_t part = v[i].iov_len < bytes ? v[i].iov_len : bytes;
        tw_hands_touched(v[i].iov_base, part, is_write, pc, cfa);
        bytes -= part;
    }
}

/* ---- descriptors */

static uint64_t look(int fd, bool pipes_only) {
    struct stat st;
    if (tw_sys(SYS_fstat, fd, &st) < 0) return NONE;
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
        return SOCKETS;
    case S_IFREG:
        if (pipes_only) return NONE;
        __attribute__((fallthrough));
    case S_IFIFO:
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
    if (fd >= FDS) return look(fd, false);
    uint64_t k = __atomic_load_n(&keys[fd], __ATOMIC_RELAXED);
    if (!k) {
        k = look(fd, false);
        __atomic_store_n(&keys[fd], k, __ATOMIC_RELAXED);
    }
    return k;
}

static void release(uint64_t key) {
    if (key == NONE) return;
    tw_race->release(key);
    tw_race->release(WOKEN);
}

TW_NOINLINE void tw_hands_reaches(int fd) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    release(key_of(fd));
    tw_leave(t);
}

static void arrived(uint64_t key) {
    if (key != NONE) tw_race->acquire(key);
}

TW_NOINLINE void tw_hands_arrived(int fd) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    arrived(key_of(fd));
    tw_leave(t);
}

TW_NOINLINE void tw_hands_woken(void) {
    tw_hands_arrived_key(WOKEN);
}

TW_NOINLINE void tw_hands_accepted(int fd) {
    tw_hands_forget(fd);
    tw_hands_arrived_key(SOCKETS);
}

void tw_hands_forget(int fd) {
    if (fd >= 0 && fd < FDS) __atomic_store_n(&keys[fd], 0, __ATOMIC_RELAXED);
}

void tw_hands_signals(int fd) {
    if (fd >= 0 && fd < FDS) __atomic_store_n(&keys[fd], TW_HANDS_SIGNALS, __ATOMIC_RELAXED);
}

TW_NOINLINE void tw_hands_reaches_key(uint32_t key) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    release(key < OTHERS ? key : (key - OTHERS) % (FIRST_KEY - OTHERS) + OTHERS);
    tw_leave(t);
}

TW_NOINLINE void tw_hands_arrived_key(uint32_t key) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    arrived(key < OTHERS ? key : (key - OTHERS) % (FIRST_KEY - OTHERS) + OTHERS);
    tw_leave(t);
}

TW_NOINLINE void tw_hands_printed(FILE *f) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    uint64_t key = key_of(f->_fileno);
    /* A regular file's key is told from a pipe's by asking; terminals and the null device have none. */
    if (key != NONE && (key == SOCKETS || look(f->_fileno, true) != NONE)) release(key);
    tw_leave(t);
}

/* ---- strings */

size_t tw_hands_length(const char *s, size_t max) {
    size_t n = 0;
    while (n < max && ((const volatile char *)s)[n])
        n++;
    return n;
}

enum length { LENGTH_INT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

/* One conversion's length modifiers, behind its width and precision. */
static const char *modifiers(const char *p, enum length *length, bool *wide) {
    *length = LENGTH_INT;
    *wide = false;
    for (;; p++) {
        if (*p == 'l' || *p == 'q' || *p == 'j' || *p == 'z' || *p == 't' || *p == 'Z') {
            *length = LENGTH_LONG;
            *wide = *p == 'l';
        } else if (*p == 'L') {
            *length = LENGTH_LONG_DOUBLE;
        } else if (*p != 'h') {
            return p;
        }
    }
}

/* A number in the format, or the next argument where it says *. */
static const char *number(const char *p, va_list values, int *out) {
    *out = 0;
    if (*p == '*') {
        *out = va_arg(values, int);
        return p + 1;
    }
    while (*p >= '0' && *p <= '9')
        *out = *out * 10 + (*p++ - '0');
    return p;
}

/* Skips the argument of one conversion, or notes the string that it reads. False: what follows cannot be told. */
static bool conversion(
        char c, enum length length, va_list values, uintptr_t pc, uintptr_t cfa, int precision, bool wide) {
    switch (c) {
    case 's':
        if (!wide) {
            const char *s = va_arg(values, const char *);
            size_t max = precision < 0 ? SIZE_MAX : (size_t)precision, n = s ? tw_hands_length(s, max) : 0;
            if (s) tw_hands_touched(s, n < max ? n + 1 : n, 0, pc, cfa);
            return true;
        }
        __attribute__((fallthrough));
    case 'p':
    case 'n':
        (void)va_arg(values, void *);
        return true;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
    case 'c':
        if (length == LENGTH_INT)
            (void)va_arg(values, int);
        else
            (void)va_arg(values, long);
        return true;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        if (length == LENGTH_LONG_DOUBLE)
            (void)va_arg(values, long double);
        else
            (void)va_arg(values, double);
        return true;
    default:
        return c == '%' || c == 'm';
    }
}

void tw_hands_format(const char *format, va_list given, uintptr_t pc, uintptr_t cfa) {
    va_list values;
    va_copy(values, given);
    for (const char *p = format; *p; p++) {
        if (*p != '%') continue;
        int width, precision = -1;
        enum length length;
        bool wide;
        for (p++; *p == '-' || *p == '+' || *p == ' ' || *p == '#' || *p == '0' || *p == '\''; p++)
            ;
        p = number(p, values, &width);
        if (*p == '.') p = number(p + 1, values, &precision);
        p = modifiers(p, &length, &wide);
        if (!conversion(*p, length, values, pc, cfa, precision, wide)) break; /* by position, or the end of the text */
    }
    va_end(values);
}
