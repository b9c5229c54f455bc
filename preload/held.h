/*
 * What a thread holds, and the dependencies that follow from it. The held array lives in the record, so that it can be read after any death.
 * All inside the guard.
 */
#ifndef TW_HELD_H
#define TW_HELD_H

#include "object.h"
#include "stack.h"

struct tw_acquire { /* one successful acquisition; see wrap_mutex.c for an example */
    uintptr_t address;
    uint8_t kind, mode, flags; /* object kind, enum twatch_mode, enum twatch_held_flags (TRY, TIMED) */
    uint8_t type;              /* sub-type, when known */
    uint16_t oflags;           /* enum twatch_object_flags, when known */
    uintptr_t pc, cfa;
};

/* After the real acquire. Counts, pushes, and records the dependency when something else is held. Returns the object id. */
uint32_t tw_held_push(struct tw_thread *t, const struct tw_acquire *a);
/* Before the real release. False: this thread does not hold it (nothing was changed). */
bool tw_held_pop(struct tw_thread *t, uintptr_t address);
/* The newest entry of an address, NULL if not held. */
struct twatch_held *tw_held_find(struct tw_thread *t, uintptr_t address);
/* Takes the entry out and returns it in *saved, for a condition wait; put back with tw_held_restore after (records dependencies again). */
bool tw_held_take(struct tw_thread *t, uintptr_t address, struct twatch_held *saved);
void tw_held_restore(struct tw_thread *t, const struct twatch_held *saved, uint8_t kind, uintptr_t pc, uintptr_t cfa);
/* At the end of a thread: adds the cached counts to the objects. */
void tw_held_flush(struct tw_thread *t);

#endif
