/*
 * Waits for descriptors: the time that a thread stands idle in epoll_wait, poll, select, or in a read that has nothing
 * to read yet. Event loops and pools whose queue is a pipe wait there for their work. Told as the use (struct
 * twatch_use) of an object of kind EVENTS, one for each descriptor number; nothing is published, for anybody at all may
 * end such a wait.
 *
 * Times are of the coarse clock: what is shorter than its step counts as nought or as a whole step, which evens out.
 * Only in processes that have made a thread.
 */
#ifndef TW_IDLE_H
#define TW_IDLE_H

#include "thread.h"

/* In place of a descriptor: poll and select, whose arguments may be no memory at all before the kernel has looked at
 * them. */
enum { TW_IDLE_SEVERAL = -1 };

extern TW_HIDDEN bool tw_idle_on;
/* At the first pthread_create. */
static inline void tw_idle_start(void) {
    tw_idle_on = true;
}

/* Around the real call. `begin` gives the time, 0: not counted; `end` is skipped by who is cancelled in between.
   got: events, or bytes; 0 time limit; -1 failed. type: enum twatch_events_type. */
uint64_t tw_idle_begin_slow(int fd, uint8_t type, uintptr_t pc, uintptr_t cfa);
void tw_idle_end_slow(int fd, uint8_t type, uint64_t since, long got, uintptr_t pc, uintptr_t cfa);
static inline uint64_t tw_idle_begin(int fd, uint8_t type, uintptr_t pc, uintptr_t cfa) {
    return TW_UNLIKELY(tw_idle_on) ? tw_idle_begin_slow(fd, type, pc, cfa) : 0;
}
static inline void tw_idle_end(int fd, uint8_t type, uint64_t since, long got, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(since != 0)) tw_idle_end_slow(fd, type, since, got, pc, cfa);
}

/* The same around a call that hardly ever waits: two looks at the clock, and nothing else unless it did, and for a pipe
   or socket. */
static inline uint64_t tw_idle_read(void) {
    return TW_UNLIKELY(tw_idle_on) ? tw_sys_now_coarse() : 0;
}
void tw_idle_read_slow(int fd, uint64_t since, long got, uintptr_t pc, uintptr_t cfa);
static inline void tw_idle_read_over(int fd, uint64_t since, long got, uintptr_t pc, uintptr_t cfa) {
    if (TW_UNLIKELY(since != 0) && TW_UNLIKELY(tw_sys_now_coarse() != since))
        tw_idle_read_slow(fd, since, got, pc, cfa);
}

#endif
