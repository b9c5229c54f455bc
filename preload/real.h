/*
 * The real functions behind the wrappers: one pointer per row of interceptors.def, of the type that the libc header gives it. Resolved once by
 * the constructor; TW_REAL resolves them for a call that arrives before it. MAY functions that libc lacks stay NULL.
 */
#ifndef TW_REAL_H
#define TW_REAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <threads.h>
#include <unistd.h>

#include "fortified.h"

/* Itanium C++ ABI, 3.3.3; no C header has them. */
int __cxa_guard_acquire(uint64_t *guard);
void __cxa_guard_release(uint64_t *guard);
void __cxa_guard_abort(uint64_t *guard);

struct tw_real {
#define INTERCEPT(function, need, version) __typeof__(function) *function;
#include "interceptors.def"
#undef INTERCEPT
};

extern __attribute__((visibility("hidden"))) struct tw_real tw_real;

/* Idempotent; may be called before any constructor. Calls dlsym, which may allocate: wrap_memory.c serves those from a static buffer. */
void tw_real_init(void);
/* True while tw_real_init runs in this thread: malloc and friends must not look for their real function then. */
extern bool tw_real_busy;
/* By name, for the race engine; NULL if there is no such row. */
void *tw_real_by_name(const char *name);

#define TW_REAL(f) (TW_LIKELY(tw_real.f != NULL) ? tw_real.f : (tw_real_init(), tw_real.f))

#endif
