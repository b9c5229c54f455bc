/*
 * stdio: the program's buffers are accesses of the caller; a stream's own memory is libc's, under the stream's lock.
 * What goes through a stream to a pipe or a socket hands over like write and read, which libc then calls unseen. Active
 * only while the race engine runs.
 */
#undef __OPTIMIZE__ /* the headers would define getline in line */
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* stdio.h has a body of getline for optimised builds */
#endif
#include "hands.h"

/* ---- in */

static inline void came(FILE *f) {
    tw_hands_arrived(f->_fileno);
}

TW_EXPORT size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f) {
    size_t got = TW_REAL(fread)(p, size, count, f);
    if (TW_RACING) {
        came(f);
        TW_WRITES(p, size * got);
    }
    return got;
}

TW_EXPORT char *fgets(char *restrict p, int size, FILE *restrict f) {
    char *got = TW_REAL(fgets)(p, size, f);
    if (TW_RACING && got) {
        came(f);
        TW_WRITES(p, tw_hands_length(p, (size_t)size) + 1);
    }
    return got;
}

TW_EXPORT int fgetc(FILE *f) {
    int c = TW_REAL(fgetc)(f);
    if (TW_RACING) came(f);
    return c;
}

TW_EXPORT int getc(FILE *f) {
    int c = TW_REAL(getc)(f);
    if (TW_RACING) came(f);
    return c;
}

TW_EXPORT ssize_t getline(char **restrict line, size_t *restrict room, FILE *restrict f) {
    ssize_t got = TW_REAL(getline)(line, room, f);
    if (TW_RACING && got >= 0) {
        came(f);
        TW_WRITES(*line, (size_t)got + 1);
    }
    return got;
}

TW_EXPORT ssize_t getdelim(char **restrict line, size_t *restrict room, int end, FILE *restrict f) {
    ssize_t got = TW_REAL(getdelim)(line, room, end, f);
    if (TW_RACING && got >= 0) {
        came(f);
        TW_WRITES(*line, (size_t)got + 1);
    }
    return got;
}

/* What stdio.h makes of getline in optimised builds. */
TW_EXPORT ssize_t __getdelim(char **restrict line, size_t *restrict room, int end, FILE *restrict f) {
    ssize_t got = TW_REAL(__getdelim)(line, room, end, f);
    if (TW_RACING && got >= 0) {
        came(f);
        TW_WRITES(*line, (size_t)got + 1);
    }
    return got;
}

/* ---- out: the stream's own write may follow at once, so the edge goes before it */

TW_EXPORT size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f) {
    tw_hands_writing(f->_fileno);
    if (TW_RACING) {
        TW_READS(p, size * count);
        tw_hands_printed(f);
    }
    size_t put = TW_REAL(fwrite)(p, size, count, f);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT int fputs(const char *restrict s, FILE *restrict f) {
    tw_hands_writing(f->_fileno);
    if (TW_RACING) {
        TW_READS(s, tw_hands_length(s, SIZE_MAX) + 1);
        tw_hands_printed(f);
    }
    int put = TW_REAL(fputs)(s, f);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT int puts(const char *s) {
    if (TW_RACING) {
        TW_READS(s, tw_hands_length(s, SIZE_MAX) + 1);
        tw_hands_printed(stdout);
    }
    return TW_REAL(puts)(s);
}

TW_EXPORT int fputc(int c, FILE *f) {
    if (TW_RACING) tw_hands_printed(f);
    return TW_REAL(fputc)(c, f);
}

TW_EXPORT int putc(int c, FILE *f) {
    if (TW_RACING) tw_hands_printed(f);
    return TW_REAL(putc)(c, f);
}

TW_EXPORT int putchar(int c) {
    if (TW_RACING) tw_hands_printed(stdout);
    return TW_REAL(putchar)(c);
}

TW_EXPORT int vfprintf(FILE *restrict f, const char *restrict format, va_list values) {
    tw_hands_writing(f->_fileno);
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(f);
    }
    int put = TW_REAL(vfprintf)(f, format, values);
    tw_hands_writing(-1);
    return put;
}

TW_EXPORT int fprintf(FILE *restrict f, const char *restrict format, ...) {
    va_list values;
    va_start(values, format);
    tw_hands_writing(f->_fileno);
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(f);
    }
    int n = TW_REAL(vfprintf)(f, format, values);
    tw_hands_writing(-1);
    va_end(values);
    return n;
}

TW_EXPORT int vprintf(const char *restrict format, va_list values) {
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(stdout);
    }
    return TW_REAL(vprintf)(format, values);
}

TW_EXPORT int printf(const char *restrict format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) {
        tw_hands_format(format, values, TW_CALLER, TW_CFA);
        tw_hands_printed(stdout);
    }
    int n = TW_REAL(vprintf)(format, values);
    va_end(values);
    return n;
}

TW_EXPORT int fflush(FILE *f) {
    if (TW_RACING && f) tw_hands_reaches(f->_fileno);
    return TW_REAL(fflush)(f);
}

TW_EXPORT int fclose(FILE *f) {
    if (TW_RACING) {
        tw_hands_reaches(f->_fileno); /* the other side may wait for the end */
        tw_hands_forget(f->_fileno);
    }
    return TW_REAL(fclose)(f);
}

/* ---- into strings */

TW_EXPORT int vsnprintf(char *restrict p, size_t room, const char *restrict format, va_list values) {
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(vsnprintf)(p, room, format, values);
    if (TW_RACING && n >= 0 && room) TW_WRITES(p, (size_t)n < room ? (size_t)n + 1 : room);
    return n;
}

TW_EXPORT int snprintf(char *restrict p, size_t room, const char *restrict format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(vsnprintf)(p, room, format, values);
    va_end(values);
    if (TW_RACING && n >= 0 && room) TW_WRITES(p, (size_t)n < room ? (size_t)n + 1 : room);
    return n;
}

TW_EXPORT int vsprintf(char *restrict p, const char *restrict format, va_list values) {
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(vsprintf)(p, format, values);
    if (TW_RACING && n >= 0) TW_WRITES(p, (size_t)n + 1);
    return n;
}

TW_EXPORT int sprintf(char *restrict p, const char *restrict format, ...) {
    va_list values;
    va_start(values, format);
    if (TW_RACING) tw_hands_format(format, values, TW_CALLER, TW_CFA);
    int n = TW_REAL(vsprintf)(p, format, values);
    va_end(values);
    if (TW_RACING && n >= 0) TW_WRITES(p, (size_t)n + 1);
    return n;
}

/* ---- the comparisons are the program's own code; the moves between them are libc's */

TW_EXPORT void qsort(void *p, size_t count, size_t size, int (*order)(const void *, const void *)) {
    if (TW_RACING) TW_WRITES(p, count * size);
    TW_REAL(qsort)(p, count, size, order);
}

TW_EXPORT void qsort_r(
        void *p, size_t count, size_t size, int (*order)(const void *, const void *, void *), void *arg) {
    if (TW_RACING) TW_WRITES(p, count * size);
    TW_REAL(qsort_r)(p, count, size, order, arg);
}
