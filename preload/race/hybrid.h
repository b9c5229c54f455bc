/*
 * hybrid=on: which accesses only the hand-over of a lock put in an order. Everything here costs nothing but a test of
 * rt_hybrid_on when it is off, and that test stands on slow paths alone. Context: inside the runtime (rt_enter).
 */
#ifndef TWATCH_RACE_HYBRID_H
#define TWATCH_RACE_HYBRID_H

#include "rt.h"

extern bool rt_hybrid_on;

/* False: no memory. */
bool rt_hybrid_start(void);
/* Before the clock of t steps in a release, and in every acquire. atomic: obj is an atomic variable and no object of
 * the shim's. */
void rt_hybrid_acquire(struct rt_tls *t, uintptr_t obj, bool atomic);
void rt_hybrid_release(struct rt_tls *t, uintptr_t obj, bool atomic);
void rt_hybrid_forget(uintptr_t obj);
/* What t learnt about slot without a lock; what the new thread in slot knows of its creator t. */
void rt_hybrid_learn(const struct rt_tls *t, uint32_t slot, uint32_t clock);
void rt_hybrid_create(const struct rt_tls *t, uint32_t slot);
void rt_hybrid_reset(void);
void rt_hybrid_forked(void);
/* An access by p at addr, of bytes `mask` of granule g, after the one of (cell, mark), which happens before it. */
void rt_hybrid_pair(struct rt_tls *t, uintptr_t g, uint32_t mask, uint32_t cell, uint32_t mark, bool old_write,
        uintptr_t addr, struct rt_place *p);

#endif
