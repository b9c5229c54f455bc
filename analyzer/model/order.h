/*
 * What create and join order. A thread's segment number grows at each create and each join that it makes (record.h,
 * struct twatch_thread); a point is (thread, segment). This is the fork/join part of happens-before only: locks order
 * nothing here, so two points that are not ordered could run at the same time in another schedule.
 */
#ifndef TWATCH_ORDER_H
#define TWATCH_ORDER_H

#include "model/model.h"

struct order;

/* Linear in the number of threads. `m` must outlive it. */
struct order *order_new(const struct model *m);
void order_free(struct order *o);

/*
 * Does everything of thread t1 up to its segment seg1 happen before everything of t2 from its segment seg2 on? False
 * when unknown. Points of one thread are ordered by segment; a point is not before itself. Not for several threads of
 * the analyzer at once: it keeps a memo.
 */
bool order_before(struct order *o, uint32_t t1, uint32_t seg1, uint32_t t2, uint32_t seg2);

#endif
