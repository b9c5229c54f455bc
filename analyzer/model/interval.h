/*
 * Waits and holds in time, for time lines and for what is said of queues and pools. The record's log is bounded
 * (record.h, struct twatch_interval): what is not in it was shorter than header->interval_least_ns, or, when
 * header->intervals_dropped is not 0, may have been dropped. What had not ended when the record was made is put in from
 * the threads' last states, marked INTERVAL_OPEN: a wait with its true start, a hold from the moment since when it is
 * known (TWATCH_INTERVAL_LATE).
 *
 *     size_t n;
 *     for (const struct twatch_interval *const *i = interval_of(m, thread, &n); n--; i++) ...
 */
#ifndef TWATCH_INTERVAL_H
#define TWATCH_INTERVAL_H

#include "model/model.h"

enum { INTERVAL_OPEN = 1 << 15 }; /* in flags, beside those of record.h: not over when the record was made */

/* The intervals of one thread, by start; *n gets their number. Each has a known thread, what and kind, an object that
 * exists or 0, began after header->start_ns, and ended before m->now_ns unless the process lived on while it was read.
 */
const struct twatch_interval *const *interval_of(const struct model *m, uint32_t thread, size_t *n);

/* The hold of this lock that the thread had not ended when the record ended, with its length so far; NULL: not measured. */
const struct twatch_interval *interval_open_hold(const struct model *m, uint32_t thread, uint32_t object);

/* Since when the thread of a use of kind EVENTS waited there, when the record was made; 0: it did not. */
uint64_t interval_idle_since(const struct model *m, const struct twatch_use *u);

/* Part of model_build(), after the tables and states are there. */
void interval_build(struct model *m, struct record *r);

#endif
