/*
 * A small library to preload under CPython: at each semaphore call it unwinds, has the stack rewritten by
 * preload/python.c, and prints it as one line "STACK thread function:line|function:line|...". pyt_frames.sh compares the lines
 * with what Python itself says of its stack. With PYT_BENCH=n the first call in a thread times n fingerprints instead.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "python.h"
#include "python_call.h"
#include "python_text.h"
#include "record.h"

static __thread struct {
    char text[TWATCH_MAX_FRAMES][700];
    uint32_t count;
} strings;
static __thread int inside;

static uint32_t keep(const char *text, size_t length) {
    memcpy(strings.text[strings.count], text, length);
    strings.text[strings.count][length] = 0;
    return ++strings.count;
}

static void bench(void) {
    static __thread int done;
    const char *n = getenv("PYT_BENCH");
    if (!n || done++) return;
    struct timespec a, b;
    volatile uint64_t sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < atol(n); i++)
        sum += tw_python_fingerprint();
    clock_gettime(CLOCK_MONOTONIC, &b);
    dprintf(2, "FINGERPRINT %.1f ns\n",
            ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / atof(n));
}

static void show(const char *call, void *object, uintptr_t caller) {
    static __thread uint64_t last;
    uint64_t pc[TWATCH_MAX_FRAMES];
    unsigned n = 0;
    unw_context_t context;
    unw_cursor_t cursor;
    char line[65536];
    size_t at = 0;
    if (inside++ || tw_python_is_interpreter_lock((uintptr_t)object)) return;
    bench();
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    while (n < TWATCH_MAX_FRAMES && unw_step(&cursor) > 0) {
        unw_word_t ip;
        unw_get_reg(&cursor, UNW_REG_IP, &ip);
        pc[n++] = ip;
    }
    strings.count = 0;
    tw_python_text_forked(); /* the texts begin anew */
    uint32_t flags = 0;
    unsigned m = tw_python_merge(pc, n, TWATCH_MAX_FRAMES, keep, &flags);
    uint64_t print = tw_python_fingerprint();
    tw_python_own.epoch = 0; /* nothing here sees who sets the state */
    uintptr_t frame = tw_python_calling(caller);
    at += (size_t)snprintf(line, sizeof line, "STACK %d ", gettid());
    for (unsigned i = 0; i < m && at < sizeof line - 800; i++) {
        if ((pc[i] & TWATCH_FRAME_PYTHON_MASK) != TWATCH_FRAME_PYTHON) {
            if (getenv("PYT_NATIVE"))
                at += (size_t)snprintf(line + at, sizeof line - at, "%#lx|", (unsigned long)pc[i]);
            continue;
        }
        char *text = strings.text[(pc[i] & ~TWATCH_FRAME_PYTHON_MASK) - 1], *file = strchr(text, '\n'),
             *row = strrchr(text, '\n');
        at += (size_t)snprintf(line + at, sizeof line - at, "%.*s:%s|", (int)(file - text), text, row + 1);
    }
    at += (size_t)snprintf(line + at, sizeof line - at, " %s%s%s\n", call, print == last ? " same" : "",
            frame && tw_python_argument(frame) == 0 ? " blocking" : "");
    if (frame && tw_python_print(frame) != print) abort(); /* the two ways to the fingerprint */
    last = print;
    if (write(2, line, at) < 0) abort();
}

/* inside is given back after the real call's record only, as the shim's guard is. */
#define WRAP(name, params, args)                                                                                       \
    int name params {                                                                                                  \
        static int(*real) params;                                                                                      \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                          \
        show(#name, sem, (uintptr_t)__builtin_return_address(0));                                                                                              \
        inside--;                                                                                                      \
        return real args;                                                                                              \
    }
WRAP(sem_wait, (sem_t * sem), (sem))
WRAP(sem_trywait, (sem_t * sem), (sem))
WRAP(sem_clockwait, (sem_t * sem, clockid_t clock, const struct timespec *time), (sem, clock, time))
WRAP(sem_post, (sem_t * sem), (sem))

__attribute__((constructor)) static void start(void) {
    tw_python_init();
}
