/* What an object is to the lock-order analysis: a lock or not, and which class of locks it belongs to. */
#ifndef TWATCH_LOCKS_H
#define TWATCH_LOCKS_H

#include "model/model.h"

/*
 * Is it used as a lock, so that holding it and wanting it mean something? A semaphore is one when it starts with one
 * permit, is given back by those who took it, and is never posted by anybody else (CPython's locks are such).
 */
bool locks_is_lock(const struct model *m, uint32_t object);

/*
 * Classes: a number (the id of one of them) that all locks made in the same place share: elements of one static array,
 * or init calls (first acquisitions, for locks that were never initialised by a call) with the same stack. Remembered
 * per object; `m` must outlive it.
 */
struct locks_classes;

struct locks_classes *locks_classes_new(const struct model *m);
uint32_t locks_class(struct locks_classes *c, uint32_t object);
void locks_classes_free(struct locks_classes *c);

#endif
