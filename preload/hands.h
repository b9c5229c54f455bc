/*
 * libc as the program's hands: what libc's functions do to the program's memory, and which descriptors hand data from
 * one thread to another, told to the race engine. Every call is made only while the engine runs (TW_RACING): one load,
 * test and jump otherwise. All may run in a signal handler: a thread that is recording is left alone.
 */
#ifndef TW_HANDS_H
#define TW_HANDS_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>

#include "race/hooks.h"
#include "real.h"
#include "sys.h"
#include "thread.h"

#define TW_RACING TW_UNLIKELY(tw_race != NULL)
#define TW_READS(p, n) tw_hands_touched(p, n, 0, TW_CALLER, TW_CFA)
#define TW_WRITES(p, n) tw_hands_touched(p, n, 1, TW_CALLER, TW_CFA)

/* The object that every sender of a signal releases. */
enum { TW_HANDS_SIGNALS = 4 };

/* The call that returns to pc read or wrote these bytes. */
void tw_hands_touched(const void *p, size_t n, int is_write, uintptr_t pc, uintptr_t cfa);
/* The first `bytes` bytes of the parts of a readv or writev. */
void tw_hands_vector(const struct iovec *v, size_t n, size_t bytes, int is_write, uintptr_t pc, uintptr_t cfa);

/* Before data, a connection or its end goes out through fd; after something came in through it; after a wait for any
 * descriptor. */
void tw_hands_reaches(int fd);
void tw_hands_arrived(int fd);
void tw_hands_woken(void);
/* A new connection, which is not yet known by its number. */
void tw_hands_accepted(int fd);
/* fd is a signalfd. */
void tw_hands_signals(int fd);
/* fd stands for something else from now on. */
void tw_hands_forget(int fd);
/* A queue or another object that is no descriptor, by a number below 2^20. */
void tw_hands_reaches_key(uint32_t key);
void tw_hands_arrived_key(uint32_t key);
/* As tw_hands_reaches for a stream that has just been written to: pipes and sockets only, a file's buffer goes out with
 * fflush. */
void tw_hands_printed(FILE *f);

/* Around a call that writes to fd, in every program: a process that ends meanwhile leaves half of it. A thread that leaves by a jump or by
 * cancellation stays marked until its next write; the end of the process looks where it is (finish.c). */
static inline void tw_hands_writing(int fd) {
    if (tw_self) tw_self->writing = fd + 1;
}

/* Bytes before the first 0, at most max. */
size_t tw_hands_length(const char *s, size_t max);
/* The strings that a printf with this format reads. `values` is left as it was. */
void tw_hands_format(const char *format, va_list values, uintptr_t pc, uintptr_t cfa);

#endif
