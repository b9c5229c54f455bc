/*
 * What races=sample costs and when it rests. Everything that it does is put on a bill, in ns of processor time: what
 * can be measured as it was measured, and what the kernel does for the events at each switch of threads and each birth
 * of one by the number of these. Where the bill is more than its share of what the process has used, sampling rests
 * until it is paid.
 */
#ifndef TW_RACE_PACE_H
#define TW_RACE_PACE_H

#include "sys.h"

/* Before the first watchpoint: what a trap costs, and what it takes to switch a watchpoint off and on. */
void tw_pace_start(uint64_t trap_ns, uint64_t toggle_ns);
/* Processor time of the calling thread. */
uint64_t tw_pace_now(void);
void tw_pace_spend(uint64_t ns);
/* A trap that took so long in our handler; a tick earns traps for a share of its time. Any context. */
void tw_pace_trap(uint64_t in_handler_ns, bool tick);
void tw_pace_tick(void);
/* Traps can be paid for. Any context. */
bool tw_pace_earned(void);
/* True if it is time to ask tw_pace_owed, which is not cheap: when it has been long enough, or this was asked often. */
bool tw_pace_due(uint64_t now);
/* For how long to rest (wall clock), 0: not at all. `on`: events are open, switches and births cost something. */
uint64_t tw_pace_owed(uint64_t now, bool on);
/* The bill is for threads that waited or were created above all: the process comes to where sampling is woken. */
bool tw_pace_waiting(void);
/* The events are opened again, for each thread alone: the kernel has more to do when threads take turns. */
void tw_pace_anew(void);
/* The bill is paid: a new one begins. */
void tw_pace_paid(uint64_t now);
void tw_pace_forked(void);

#endif
