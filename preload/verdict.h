/* What kind of hang it is: a circle of threads, or a standstill without one; and the incidents that say so. Inside the guard. */
#ifndef TW_VERDICT_H
#define TW_VERDICT_H

#include "look.h"

/* Records incidents about the core of the scene, as one group. Returns its number. */
uint32_t tw_verdict(struct tw_thread *t, struct tw_scene *s);
/* Permits of a semaphore that dead threads have taken and not given back. */
int64_t tw_verdict_permits(const struct tw_scene *s, uint32_t object);

#endif
