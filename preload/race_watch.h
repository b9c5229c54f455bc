/*
 * The watchpoints of races=sample and what hits them: one thread is held at its access for a moment, and a second one
 * that comes to the same byte is the race. Inside the guard, but for what says otherwise.
 */
#ifndef TW_RACE_WATCH_H
#define TW_RACE_WATCH_H

#include "race_choice.h"

/* The lock of what is watched and of what is chosen. */
bool tw_watch_try(void);
void tw_watch_take(void);
void tw_watch_give(void);

/* Under the lock: one watchpoint that is off, or has been where it is for long enough, moves on. 0; or -errno: the
 * descriptors are not ours any more. */
int tw_watch_move(uint64_t now);
/* Under the lock, or before exec, any context. */
void tw_watch_off(void);
/* Any context: the watchpoint hit. One that hits too often, or that nobody pays for, is switched off until it moves. */
void tw_watch_count(uint32_t number, bool paid);
/* The thread stands behind an instruction that touched the byte. */
void tw_watch_hit(struct tw_thread *t, uint32_t number, uint32_t generation, const ucontext_t *uc);
/* Threads may be held from now on. */
void tw_watch_start(uint64_t now);
void tw_watch_forked(void);

#endif
