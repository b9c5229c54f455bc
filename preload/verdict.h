/* What kind of hang it is: a circle of threads, or a standstill without one; and the incidents that say so. Inside the
 * guard. */
#ifndef TW_VERDICT_H
#define TW_VERDICT_H

#include "look.h"

/* Records incidents about the core of the scene, as one group. Returns its number. */
uint32_t tw_verdict(struct tw_thread *t, struct tw_scene *s);
/* Permits of the semaphore that v waits for which other dead threads have taken and not given back. Its own count only
   when the semaphore was given back by a taker before, as a lock is: who takes the last permit and then waits for
   another one waits for a signal (Python's condition variables and events are made so). */
int64_t tw_verdict_permits(const struct tw_scene *s, const struct tw_view *v);

#endif
