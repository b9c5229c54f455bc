/*
 * libc as the program's hands: what mem* and str* do to the program's memory are accesses of the caller. Active only
 * while the race engine runs. A call that arrives before the constructor is served here, byte by byte: looking for the
 * real function then may itself copy memory.
 */
#include <string.h>
#include <strings.h>

#include "hands.h"

/* The four that programs call most go on with nothing kept when no engine runs; what is told to one stands apart, for
 * the compiler would else save registers for it on both ways. */
#define ALONE(function) TW_LIKELY(tw_race == NULL && tw_real.function != NULL)

static TW_NOINLINE void *copied(void *restrict to, const void *restrict from, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (TW_RACING) {
        tw_hands_touched(from, n, 0, pc, cfa);
        tw_hands_touched(to, n, 1, pc, cfa);
    }
    if (TW_LIKELY(tw_real.memcpy != NULL)) return tw_real.memcpy(to, from, n);
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n)::"memory");
    return to;
}

TW_EXPORT void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    return ALONE(memcpy) ? tw_real.memcpy(to, from, n) : copied(to, from, n, TW_CALLER, TW_CFA);
}

static TW_NOINLINE void *moved(void *to, const void *from, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (TW_RACING) {
        tw_hands_touched(from, n, 0, pc, cfa);
        tw_hands_touched(to, n, 1, pc, cfa);
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

TW_EXPORT void *memmove(void *to, const void *from, size_t n) {
    return ALONE(memmove) ? tw_real.memmove(to, from, n) : moved(to, from, n, TW_CALLER, TW_CFA);
}

static TW_NOINLINE void *filled(void *p, int c, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (TW_RACING) tw_hands_touched(p, n, 1, pc, cfa);
    if (TW_LIKELY(tw_real.memset != NULL)) return tw_real.memset(p, c, n);
    void *d = p;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return p;
}

TW_EXPORT void *memset(void *p, int c, size_t n) {
    return ALONE(memset) ? tw_real.memset(p, c, n) : filled(p, c, n, TW_CALLER, TW_CFA);
}

static int compare(const unsigned char *a, const unsigned char *b, size_t n, bool strings) {
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || (strings && !a[i])) return a[i] - b[i];
    return 0;
}

static TW_NOINLINE int compared(const void *a, const void *b, size_t n, uintptr_t pc, uintptr_t cfa) {
    if (TW_RACING) {
        tw_hands_touched(a, n, 0, pc, cfa);
        tw_hands_touched(b, n, 0, pc, cfa);
    }
    return TW_LIKELY(tw_real.memcmp != NULL) ? tw_real.memcmp(a, b, n) : compare(a, b, n, false);
}

TW_EXPORT int memcmp(const void *a, const void *b, size_t n) {
    return ALONE(memcmp) ? tw_real.memcmp(a, b, n) : compared(a, b, n, TW_CALLER, TW_CFA);
}

TW_EXPORT size_t strlen(const char *s) {
    size_t n = TW_LIKELY(tw_real.strlen != NULL) ? tw_real.strlen(s) : tw_hands_length(s, SIZE_MAX);
    if (TW_RACING) TW_READS(s, n + 1);
    return n;
}

TW_EXPORT char *strcpy(char *restrict to, const char *restrict from) {
    size_t n = TW_LIKELY(tw_real.strlen != NULL) ? tw_real.strlen(from) : tw_hands_length(from, SIZE_MAX);
    if (TW_RACING) {
        TW_READS(from, n + 1);
        TW_WRITES(to, n + 1);
    }
    if (TW_LIKELY(tw_real.memcpy != NULL)) return tw_real.memcpy(to, from, n + 1);
    tw_sys_copy(to, from, n + 1);
    return to;
}

TW_EXPORT char *strncpy(char *restrict to, const char *restrict from, size_t n) {
    if (TW_RACING) {
        size_t part = tw_hands_length(from, n);
        TW_READS(from, part < n ? part + 1 : n);
        TW_WRITES(to, n);
    }
    return TW_REAL(strncpy)(to, from, n);
}

/* How far a comparison looks: to the first difference or to the end of both, at most max bytes. */
static size_t common(const char *a, const char *b, size_t max) {
    size_t n = 0;
    while (n < max && ((const volatile char *)a)[n] == ((const volatile char *)b)[n] && a[n])
        n++;
    return n < max ? n + 1 : n;
}

TW_EXPORT int strcmp(const char *a, const char *b) {
    if (TW_RACING) {
        size_t n = common(a, b, SIZE_MAX);
        TW_READS(a, n);
        TW_READS(b, n);
    }
    return TW_LIKELY(tw_real.strcmp != NULL) ? tw_real.strcmp(a, b)
                                             : compare((const void *)a, (const void *)b, SIZE_MAX, true);
}

TW_EXPORT int strncmp(const char *a, const char *b, size_t max) {
    if (TW_RACING) {
        size_t n = common(a, b, max);
        TW_READS(a, n);
        TW_READS(b, n);
    }
    return TW_LIKELY(tw_real.strncmp != NULL) ? tw_real.strncmp(a, b, max)
                                              : compare((const void *)a, (const void *)b, max, true);
}

/* Letters of either case are alike: how far these look is told by halves, to the first byte that differs in more than
 * that. */
static size_t common_letters(const char *a, const char *b, size_t max) {
    size_t n = 0;
    while (n < max && a[n] && !((a[n] ^ b[n]) & ~0x20))
        n++;
    return n < max ? n + 1 : n;
}

TW_EXPORT int strcasecmp(const char *a, const char *b) {
    if (TW_RACING) {
        size_t n = common_letters(a, b, SIZE_MAX);
        TW_READS(a, n);
        TW_READS(b, n);
    }
    return TW_REAL(strcasecmp)(a, b);
}

TW_EXPORT int strncasecmp(const char *a, const char *b, size_t max) {
    if (TW_RACING) {
        size_t n = common_letters(a, b, max);
        TW_READS(a, n);
        TW_READS(b, n);
    }
    return TW_REAL(strncasecmp)(a, b, max);
}

TW_EXPORT size_t strnlen(const char *s, size_t max) {
    size_t n = TW_LIKELY(tw_real.strnlen != NULL) ? tw_real.strnlen(s, max) : tw_hands_length(s, max);
    if (TW_RACING) TW_READS(s, n < max ? n + 1 : n);
    return n;
}

TW_EXPORT char *strchr(const char *s, int c) {
    if (!TW_RACING) return TW_REAL(strchr)(s, c);
    char *found = TW_REAL(strchr)(s, c);
    TW_READS(s, found ? (size_t)(found - s) + 1 : tw_hands_length(s, SIZE_MAX) + 1);
    return found;
}

TW_EXPORT char *strrchr(const char *s, int c) {
    if (TW_RACING) TW_READS(s, tw_hands_length(s, SIZE_MAX) + 1);
    return TW_REAL(strrchr)(s, c);
}

TW_EXPORT char *strstr(const char *s, const char *part) {
    char *found = TW_REAL(strstr)(s, part);
    if (TW_RACING) {
        size_t n = tw_hands_length(part, SIZE_MAX);
        TW_READS(part, n + 1);
        TW_READS(s, found ? (size_t)(found - s) + n : tw_hands_length(s, SIZE_MAX) + 1);
    }
    return found;
}

TW_EXPORT void *memchr(const void *p, int c, size_t n) {
    char *found = TW_REAL(memchr)(p, c, n);
    if (TW_RACING) TW_READS(p, found ? (size_t)(found - (const char *)p) + 1 : n);
    return found;
}

TW_EXPORT void *mempcpy(void *restrict to, const void *restrict from, size_t n) {
    if (TW_RACING) {
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(mempcpy)(to, from, n);
}

TW_EXPORT char *stpcpy(char *restrict to, const char *restrict from) {
    if (TW_RACING) {
        size_t n = tw_hands_length(from, SIZE_MAX) + 1;
        TW_READS(from, n);
        TW_WRITES(to, n);
    }
    return TW_REAL(stpcpy)(to, from);
}

TW_EXPORT char *stpncpy(char *restrict to, const char *restrict from, size_t n) {
    if (TW_RACING) {
        size_t part = tw_hands_length(from, n);
        TW_READS(from, part < n ? part + 1 : n);
        TW_WRITES(to, n);
    }
    return TW_REAL(stpncpy)(to, from, n);
}

TW_EXPORT char *strcat(char *restrict to, const char *restrict from) {
    if (TW_RACING) {
        size_t before = tw_hands_length(to, SIZE_MAX), n = tw_hands_length(from, SIZE_MAX) + 1;
        TW_READS(from, n);
        TW_READS(to, before + 1);
        TW_WRITES(to + before, n);
    }
    return TW_REAL(strcat)(to, from);
}

TW_EXPORT char *strncat(char *restrict to, const char *restrict from, size_t max) {
    if (TW_RACING) {
        size_t before = tw_hands_length(to, SIZE_MAX), n = tw_hands_length(from, max);
        TW_READS(from, n < max ? n + 1 : n);
        TW_READS(to, before + 1);
        TW_WRITES(to + before, n + 1);
    }
    return TW_REAL(strncat)(to, from, max);
}

TW_EXPORT char *strndup(const char *s, size_t max) {
    if (TW_RACING) {
        size_t n = tw_hands_length(s, max);
        TW_READS(s, n < max ? n + 1 : n);
    }
    return TW_REAL(strndup)(s, max);
}

TW_EXPORT char *strdup(const char *s) {
    if (TW_RACING) TW_READS(s, tw_hands_length(s, SIZE_MAX) + 1);
    return TW_REAL(strdup)(s);
}
