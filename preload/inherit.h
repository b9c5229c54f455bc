/*
 * Locks that a fork child can never get: held at the fork by a thread that does not exist in the child. Whether one
 * really is held there is read from the child's own memory, after the handlers of pthread_atfork have run, so that
 * locks which those take or make anew are not meant. Nothing is said unless the child asks for such a lock: a child
 * that writes a snapshot and ends, with locks of its parent's threads in its memory that it never touches, is sound.
 * A failed trylock is an answer that the program handles, and not meant either.
 */
#ifndef TW_INHERIT_H
#define TW_INHERIT_H

#include "thread.h"

/* In the parent, just before the real fork, inside the guard. O(threads). */
void tw_inherit_before_fork(struct tw_thread *t, uintptr_t pc, uintptr_t cfa);
/* In the child, when it is about to wait, with or without a time limit: true when the lock at the address is one of
 * those. Inside the guard. The incident is recorded, once a lock. */
bool tw_inherit_waits(struct tw_thread *t, uintptr_t address);

#endif
