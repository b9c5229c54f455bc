/*
 * The kernel's side of races=sample: four watchpoints and a clock, as perf events that send SIGTRAP. They are opened
 * for a few threads and inherited by the threads that those create (inherit_thread); opened by the thread that creates
 * the first one, they are in all threads for ever. Raw system calls; any context.
 */
#ifndef TW_RACE_EVENTS_H
#define TW_RACE_EVENTS_H

#include "sys.h"

enum { TW_EVENTS = 4, TW_EVENTS_TEAM = 8, TW_EVENTS_TICK = 10000000 }; /* tick: ns of a thread's own processor time */

/* For threads by kernel id, 0 is the caller. `key` stands in the upper half of all signals' data. 0, or -errno of the
 * first thread's. */
int tw_events_open(uint64_t key, const int *tids, uint32_t n);
/* Somebody may have closed our descriptors behind libc's back, and their numbers may be the program's now: a descriptor
 * is used only when the kernel says that it is still ours. */
void tw_events_close(void);
bool tw_events_alive(void);
bool tw_events_own(int fd);
int64_t tw_events_next(uint32_t from);
/* Watches the byte at an address, in all threads. 0 or -errno: EBADF says that a descriptor is not ours any more. */
int tw_events_arm(uint32_t number, uint32_t generation, uintptr_t address);
void tw_events_disarm(uint32_t number);
/* Off and on again, in the first thread. */
void tw_events_toggle(uint32_t number);
/* What the signal was sent for. */
static inline uint32_t tw_events_number(uint64_t data) {
    return (uint32_t)data >> 28;
}
static inline uint32_t tw_events_generation(uint64_t data) {
    return (uint32_t)data & 0xfffffff;
}

#endif
