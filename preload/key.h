/* Thread-specific keys under watch, for pthread_key_* and tss_*. */
#ifndef TW_KEY_H
#define TW_KEY_H

#include "thread.h"

enum { TW_KEYS = 1024 }; /* PTHREAD_KEYS_MAX of glibc: numbers are below it */

/* A key whose values nobody need watch has state 0: it has a destructor, and is alive or was never seen. */
enum tw_key_state { TW_KEY_PLAIN = 0, TW_KEY_NO_DESTRUCTOR = 1, TW_KEY_DELETED = 2 };
extern uint8_t tw_key_states[TW_KEYS];

/* True when a value may be set without a look: a nanosecond. False also in the last round of a thread's destructors,
 * after its last event was recorded. */
static inline bool tw_key_plain(unsigned key) {
    const struct tw_thread *t = tw_self;
    return TW_LIKELY(key < TW_KEYS && tw_key_states[key] == TW_KEY_PLAIN && (t == NULL || !t->ended));
}
/* Before the real set of a key that is not plain. */
void tw_key_setting(unsigned key, const void *value, uintptr_t pc, uintptr_t cfa);
void tw_key_created(unsigned key, bool destructor, uintptr_t pc, uintptr_t cfa);
void tw_key_deleting(unsigned key, uintptr_t pc, uintptr_t cfa); /* before the real call */

/* With races on: the value that a thread set, so that who else uses it can be told whose it is. A table that newer
 * values take the places of. tw_key_value_of is for the guard, and false when the thread has ended. */
void tw_key_value_set(unsigned key, const void *value);
bool tw_key_value_of(uintptr_t value, uint32_t *key_object, uint32_t *thread);

/* Inside the guard: in the first round of a thread's destructors, before any other of them, and from tw_thread_end, in the last round. */
void tw_key_thread_ending(struct tw_thread *t);
void tw_key_thread_end(struct tw_thread *t);

#endif
