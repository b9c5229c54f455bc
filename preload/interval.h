/*
 * The log of waits and holds in time (struct twatch_interval), for time lines. Nothing here runs when a lock is free:
 * waits are measured by who waits anyway; a hold is measured when its acquisition took a slow path, and the mark in its
 * held entry (TWATCH_HELD_CLOCKED) sends the release down the slow path too. All inside the guard.
 */
#ifndef TW_INTERVAL_H
#define TW_INTERVAL_H

#include "thread.h"

/* A wait for a lock that is followed by measuring the hold. */
enum { TW_INTERVAL_LONG_WAIT_NS = 50000 };

/* A wait of the calling thread is over, as its slot still says. `got`: what was waited for was acquired. */
void tw_interval_waited(struct tw_thread *t, const struct twatch_slot *s, uint64_t ns, bool got);
/* The same for a wait for descriptors, which no slot tells of. `vain`: nothing came. */
void tw_interval_idled(struct tw_thread *t, uint32_t object, uint32_t stack, uint64_t start_ns, uint64_t ns, bool vain);
/* Starts to measure a held entry of the calling thread, unless it is already or there are TW_CLOCKED of them. */
void tw_interval_clock(
        struct tw_thread *t, struct twatch_held *h, uint64_t since_ns, uint16_t flags, struct twatch_stat *stat);
/* Before a marked entry is taken out of the held array: takes the mark away, and logs the hold if it was long. */
void tw_interval_released(struct tw_thread *t, struct twatch_held *h);
/* After the acquisition that followed a wait: measured if that was long (t->waited_until_ns), for then one more look at
   the clock is nothing. */
void tw_interval_acquired(struct tw_thread *t, uintptr_t address);
/* When the process ends: logs the holds of a thread, the calling one or another that still runs, that are being measured. */
void tw_interval_at_end(const struct tw_thread *t);
void tw_interval_thread_began(struct tw_thread *t);
/* Before the first thread is made, and when the process ends: reads how idle the machine's processors have been. */
void tw_interval_idle(bool end);
void tw_interval_init(void);
void tw_interval_forked(void);

#endif
