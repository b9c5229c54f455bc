/* What the kernel says about threads that seem to wait for ever: the last word before a deadlock is reported. Only in
 * suspicion; no libc. */
#ifndef TW_VERIFY_H
#define TW_VERIFY_H

#include "look.h"

enum tw_verify { TW_VERIFY_BLOCKED, TW_VERIFY_ELSEWHERE, TW_VERIFY_UNKNOWN };

/* Is the thread in the futex call that its published wait makes, without a time limit? ELSEWHERE: it runs, or sits in
   another call (a signal handler, the way out of a cancelled wait). UNKNOWN: the kernel does not say (no /proc, no
   descriptor). A waiter that has left its condition wait and is blocked at the mutex is marked woken. */
enum tw_verify tw_verify_blocked(struct tw_view *v);
/* Threads that the kernel counts in this process, without a first thread that has ended before the others; 0 unknown.
 */
uint32_t tw_verify_threads(void);
/* The program has handlers for signals that may come from outside or from a timer. */
bool tw_verify_handlers(void);

#endif
