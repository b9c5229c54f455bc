/*
 * What a thread holds, and the dependencies that follow from it. The held array lives in the record, so that it can be read after any death.
 * All inside the guard.
 */
#ifndef TW_HELD_H
#define TW_HELD_H

#include "deps.h"
#include "object.h"
#include "stack.h"

struct tw_acquire { /* one successful acquisition; see wrap_mutex.c for an example */
    uintptr_t address;
    uint8_t kind, mode, flags; /* object kind, enum twatch_mode, enum twatch_held_flags (TRY, TIMED) */
    uint8_t type;              /* sub-type, when known */
    uint16_t oflags;           /* enum twatch_object_flags, when known */
    uintptr_t pc, cfa;
};

static inline uint32_t tw_held_site_index(uintptr_t pc) { return (uint32_t)(pc * 0x1e3779b1 >> 24) & (TW_SITES - 1); }

/* After the real acquire. Counts, pushes, and records the dependency when something else is held. Returns the object id. */
uint32_t tw_held_push(struct tw_thread *t, const struct tw_acquire *a);
/* An entry without object and stack, at the end of the held array. */
static inline void tw_held_put(struct tw_thread *t, uint32_t n, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa) {
    struct twatch_slot *slot = t->slot;
    struct twatch_held *h = &t->held[n];
    h->address = address;
    h->object = h->stack = 0;
    h->site = pc;
    h->mode = mode;
    h->flags = tags;
    h->recursion = 0;
    h->depth = (uint32_t)((t->stack_hi - cfa) >> 3); /* of a coroutine's stack: any number, checked when it is used */
    slot->ops++;
    __atomic_store_n(&slot->nheld, n + 1, __ATOMIC_RELEASE);
}

/* The same for the usual case, in line: a busy site, and the caller knows that nothing else is held (see held.c). False: nothing was done. `tags`: flags and
   kind as in struct twatch_held. */
static inline bool tw_held_push_first(struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa) {
    struct tw_site *s = &t->sites[tw_held_site_index(pc)];
    if (TW_UNLIKELY(s->pc != pc || --s->tick < 0)) return false;
    tw_held_put(t, 0, address, tags, mode, pc, cfa);
    if (s->outer) tw_deps_soon(t, address);
    return true;
}
static inline bool tw_held_push_quick(struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa) {
    return t->slot->nheld == 0 && tw_held_push_first(t, address, tags, mode, pc, cfa);
}
/* The same inner lock at the same place under the same held ones as lately; key: from tw_deps_ask. False: nothing was done. */
static inline bool tw_held_push_inner(struct tw_thread *t, uint64_t key, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa) {
    uint32_t n = t->slot->nheld;
    if (!tw_deps_seen(t, key) || TW_UNLIKELY(n == t->slot->held_capacity)) return false;
    tw_held_put(t, n, address, tags, mode, pc, cfa);
    return true;
}
bool tw_held_push_again(struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa);
static inline bool tw_held_pop_quick(struct tw_thread *t, uintptr_t address) {
    uint32_t n = t->slot->nheld;
    const struct twatch_held *h = t->held;
    if (TW_LIKELY(n == 1)) { /* constants: this is what costs, everywhere */
        if (TW_UNLIKELY(h->address != address || h->recursion)) return false;
        __atomic_store_n(&t->slot->nheld, 0, __ATOMIC_RELEASE);
        return true;
    }
    if (TW_UNLIKELY(n == 0 || h[n - 1].address != address || h[n - 1].recursion)) return false;
    __atomic_store_n(&t->slot->nheld, n - 1, __ATOMIC_RELEASE);
    return true;
}

/* Before the real release. False: this thread does not hold it (nothing was changed). */
bool tw_held_pop(struct tw_thread *t, uintptr_t address);
/* The newest entry of an address, NULL if not held. */
struct twatch_held *tw_held_find(struct tw_thread *t, uintptr_t address);
/* Takes the entry out and returns it in *saved, for a condition wait; put back with tw_held_restore after (records dependencies again). */
bool tw_held_take(struct tw_thread *t, uintptr_t address, struct twatch_held *saved);
void tw_held_restore(struct tw_thread *t, const struct twatch_held *saved, uint8_t kind, uintptr_t pc, uintptr_t cfa);
/* Puts the object id into an entry that was pushed without looking it up. Any thread's entry. */
uint32_t tw_held_resolve(struct tw_thread *t, struct twatch_held *h);
/* The stack of an entry of the calling thread that was pushed without one: found again while the function that took the lock is still running, else the site alone. */
uint32_t tw_held_stack(struct tw_thread *t, struct twatch_held *h);
static inline uint32_t tw_held_kind(const struct twatch_held *h) { return (uint32_t)h->flags >> TWATCH_HELD_KIND_SHIFT; }

#endif
