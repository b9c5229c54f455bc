/*
 * libc as the program's hands: what mem*, str* and stdio do to the program's memory are accesses of the caller. Active
 * only while the race engine runs: one load, test and jump otherwise. A call that arrives before the constructor is
 * served here, byte by byte: looking for the real function then may itself copy memory.
 */
#undef __OPTIMIZE__ /* the headers would define getline in line */
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* stdio.h has a body of getline for optimised builds */
#endif
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "race/hooks.h"
#include "real.h"
#include "thread.h"

#define RACING TW_UNLIKELY(tw_race != NULL)

/* A thread that the library does not know yet is not attached from here: attaching copies memory. */
static TW_NOINLINE void touched(const void *p, size_t n, int is_write, uintptr_t pc, uintptr_t cfa) {
    if (!n || !tw_self || tw_self->busy || tw_self->ended) return;
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_race->range((uintptr_t)p, n, is_write, pc, cfa);
    tw_leave(t);
}

TW_EXPORT void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    if (RACING) {
        touched(from, n, 0, TW_CALLER, TW_CFA);
        touched(to, n, 1, TW_CALLER, TW_CFA);
    }
    if (TW_LIKELY(tw_real.memcpy != NULL)) return tw_real.memcpy(to, from, n);
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n)::"memory");
    return to;
}

TW_EXPORT void *memmove(void *to, const void *from, size_t n) {
    if (RACING) {
        touched(from, n, 0, TW_CALLER, TW_CFA);
        touched(to, n, 1, TW_CALLER, TW_CFA);
    }
    if (TW_LIKELY(tw_real.memmove != NULL)) return tw_real.memmove(to, from, n);
    char *d = to;
    const char *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= n) {
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
        return to;
    }
    d += n - 1;
    s += n - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n)::"memory");
    return to;
}

TW_EXPORT void *memset(void *p, int c, size_t n) {
    if (RACING) touched(p, n, 1, TW_CALLER, TW_CFA);
    if (TW_LIKELY(tw_real.memset != NULL)) return tw_real.memset(p, c, n);
    void *d = p;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return p;
}

static size_t length(const char *s, size_t max) {
    size_t n = 0;
    while (n < max && ((const volatile char *)s)[n])
        n++;
    return n;
}

static int compare(const unsigned char *a, const unsigned char *b, size_t n, bool strings) {
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || (strings && !a[i])) return a[i] - b[i];
    return 0;
}

TW_EXPORT int memcmp(const void *a, const void *b, size_t n) {
    if (RACING) {
        touched(a, n, 0, TW_CALLER, TW_CFA);
        touched(b, n, 0, TW_CALLER, TW_CFA);
    }
    return TW_LIKELY(tw_real.memcmp != NULL) ? tw_real.memcmp(a, b, n) : compare(a, b, n, false);
}

TW_EXPORT size_t strlen(const char *s) {
    size_t n = TW_LIKELY(tw_real.strlen != NULL) ? tw_real.strlen(s) : length(s, SIZE_MAX);
    if (RACING) touched(s, n + 1, 0, TW_CALLER, TW_CFA);
    return n;
}

TW_EXPORT char *strcpy(char *restrict to, const char *restrict from) {
    size_t n = TW_LIKELY(tw_real.strlen != NULL) ? tw_real.strlen(from) : length(from, SIZE_MAX);
    if (RACING) {
        touched(from, n + 1, 0, TW_CALLER, TW_CFA);
        touched(to, n + 1, 1, TW_CALLER, TW_CFA);
    }
    if (TW_LIKELY(tw_real.memcpy != NULL)) return tw_real.memcpy(to, from, n + 1);
    tw_sys_copy(to, from, n + 1);
    return to;
}

TW_EXPORT char *strncpy(char *restrict to, const char *restrict from, size_t n) {
    if (RACING) {
        size_t part = length(from, n);
        touched(from, part < n ? part + 1 : n, 0, TW_CALLER, TW_CFA);
        touched(to, n, 1, TW_CALLER, TW_CFA);
    }
    return TW_REAL(strncpy)(to, from, n);
}

TW_EXPORT int strcmp(const char *a, const char *b) {
    if (RACING) {
        size_t na = length(a, SIZE_MAX), nb = length(b, SIZE_MAX), n = na < nb ? na : nb;
        touched(a, n + 1, 0, TW_CALLER, TW_CFA);
        touched(b, n + 1, 0, TW_CALLER, TW_CFA);
    }
    return TW_LIKELY(tw_real.strcmp != NULL) ? tw_real.strcmp(a, b)
                                             : compare((const void *)a, (const void *)b, SIZE_MAX, true);
}

TW_EXPORT char *strdup(const char *s) {
    if (RACING) touched(s, length(s, SIZE_MAX) + 1, 0, TW_CALLER, TW_CFA);
    return TW_REAL(strdup)(s);
}

/* ---- stdio: the program's buffers; a stream's own memory is libc's, under the stream's lock */

TW_EXPORT size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f) {
    if (RACING) touched(p, size * count, 0, TW_CALLER, TW_CFA);
    return TW_REAL(fwrite)(p, size, count, f);
}

TW_EXPORT size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f) {
    size_t got = TW_REAL(fread)(p, size, count, f);
    if (RACING) touched(p, size * got, 1, TW_CALLER, TW_CFA);
    return got;
}

TW_EXPORT char *fgets(char *restrict p, int size, FILE *restrict f) {
    char *got = TW_REAL(fgets)(p, size, f);
    if (RACING && got) touched(p, length(p, (size_t)size) + 1, 1, TW_CALLER, TW_CFA);
    return got;
}

TW_EXPORT int fputs(const char *restrict s, FILE *restrict f) {
    if (RACING) touched(s, length(s, SIZE_MAX) + 1, 0, TW_CALLER, TW_CFA);
    return TW_REAL(fputs)(s, f);
}

TW_EXPORT int puts(const char *s) {
    if (RACING) touched(s, length(s, SIZE_MAX) + 1, 0, TW_CALLER, TW_CFA);
    return TW_REAL(puts)(s);
}

TW_EXPORT ssize_t getline(char **restrict line, size_t *restrict room, FILE *restrict f) {
    ssize_t got = TW_REAL(getline)(line, room, f);
    if (RACING && got >= 0) touched(*line, (size_t)got + 1, 1, TW_CALLER, TW_CFA);
    return got;
}

TW_EXPORT int vsnprintf(char *restrict p, size_t room, const char *restrict format, va_list more) {
    int n = TW_REAL(vsnprintf)(p, room, format, more);
    if (RACING && n >= 0 && room) touched(p, (size_t)n < room ? (size_t)n + 1 : room, 1, TW_CALLER, TW_CFA);
    return n;
}

TW_EXPORT int snprintf(char *restrict p, size_t room, const char *restrict format, ...) {
    va_list more;
    va_start(more, format);
    int n = TW_REAL(vsnprintf)(p, room, format, more);
    va_end(more);
    if (RACING && n >= 0 && room) touched(p, (size_t)n < room ? (size_t)n + 1 : room, 1, TW_CALLER, TW_CFA);
    return n;
}

/* The comparisons are the program's own code; the moves between them are libc's. */
TW_EXPORT void qsort(void *p, size_t count, size_t size, int (*order)(const void *, const void *)) {
    if (RACING) touched(p, count * size, 1, TW_CALLER, TW_CFA);
    TW_REAL(qsort)(p, count, size, order);
}
