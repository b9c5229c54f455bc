/*
 * Locks and their kin by address, with generations: an address whose object died (destroy, init again, free or unmap of its memory, dead stack
 * frame) carries a new object when it is used again. Inside the recording guard.
 */
#ifndef TW_OBJECT_H
#define TW_OBJECT_H

#include "near.h"
#include "thread.h"

extern TW_HIDDEN volatile uint32_t tw_object_epoch; /* grows whenever an object dies; per-thread caches compare it */

/* The live object at an address, or a new one of this kind. `stack` and `pc` say where it was first seen. 0: no room. */
uint32_t tw_object_get(uintptr_t address, uint32_t kind, uint32_t type, uint32_t flags, uintptr_t pc, uint32_t stack, uint32_t thread);
/* The thread uses the object: by another than its creator, it is marked as shared (TWATCH_OBJF_SHARED). */
void tw_object_touch(uint32_t id, uint32_t thread);
/* The live object at an address if there is one, 0 otherwise. */
uint32_t tw_object_find(uintptr_t address);
/* *_init was called: what was there is dead, a new generation starts. Returns its id. */
uint32_t tw_object_init(uintptr_t address, uint32_t kind, uint32_t type, uint32_t flags, uintptr_t pc, uint32_t stack, uint32_t thread);
/* *_destroy was called: stays at the address, marked, until the memory is used for something new. */
void tw_object_destroy(uint32_t id, uint32_t stack);
/* Something in the record refers to the object: its id is never used for another. */
void tw_object_keep(uint32_t id);
/* Its `links` are of dependencies. */
static inline bool tw_object_is_lock(const struct twatch_object *o) {
    return o->kind == TWATCH_OBJ_MUTEX || o->kind == TWATCH_OBJ_RWLOCK || o->kind == TWATCH_OBJ_SPIN;
}
/* How many short dependencies name it. */
static inline uint32_t tw_object_links(const struct twatch_object *o) {
    if (!tw_object_is_lock(o)) return 0;
    return __atomic_load_n(&o->links, __ATOMIC_RELAXED) & ~(uint32_t)(TWATCH_OBJL_HELD | TWATCH_OBJL_WANTED);
}
/* The memory [lo, hi) is gone: every object in it is dead. `each` (may be NULL) is called for every one before. */
void tw_object_range_dead(uintptr_t lo, uintptr_t hi, void (*each)(struct twatch_object *o, uint32_t id, void *arg), void *arg);
/* Cheap: false means that no object was ever seen in [lo, hi). A nanosecond or two for small blocks. */
static inline bool tw_object_near(uintptr_t lo, uintptr_t hi) { return tw_near_any(lo, hi); }
struct twatch_object *tw_object_at(uint32_t id);
uint32_t tw_object_count(void);
void tw_object_forked(void);

#endif
