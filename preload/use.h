/*
 * Statistics: contended acquisitions per (object, site), and what each thread does with semaphores, conditions and
 * barriers. Inside the guard.
 *
 * A use record is written by its thread only. Objects that come and go by the thousand (a lock made for every wait)
 * give their records back when they die, unless something worth a line was counted in them.
 */
#ifndef TW_USE_H
#define TW_USE_H

#include "object.h"
#include "thread.h"

/* The use record of this thread and object, made at first use; NULL without room. Only the calling thread writes it. */
struct twatch_use *tw_use_of(struct tw_thread *t, uint32_t object);
/* This thread's share in the contention record of (object, site), which all threads share. NULL without room. */
struct tw_stat_entry *tw_stat_of(struct tw_thread *t, uint32_t object, uintptr_t pc, uint32_t stack);
/* The same if this thread has asked for it lately, else NULL. */
struct tw_stat_entry *tw_stat_known(struct tw_thread *t, uint32_t object, uintptr_t pc);
/* One contended acquisition more, at a CLOCK_MONOTONIC time, coarse or not. It shows in the record a tenth of a millisecond later at the latest, if the thread
   waits at this place again by then, or ends: threads that hand a lock to and fro would hand its record on as well. */
void tw_stat_waited(struct tw_stat_entry *e, uint64_t now, uint64_t ns);
void tw_stat_thread_ended(struct tw_thread *t);
/* The object died (destroyed, or its memory is gone): records of little interest may serve others. */
void tw_use_object_dead(uint32_t object);
/* Calls each for every use record of the object, under a lock: nothing of use.h may be called from there. */
void tw_use_each(uint32_t object, void (*each)(const struct twatch_use *use, void *arg), void *arg);
void tw_use_forked(void);

/* Everything about the object at an address in one probe: a few nanoseconds on a hit. NULL: no room. The returned entry
   is good until the guard is left. `side` bytes of zeroed private memory are kept per object, for all threads (0:
   none). */
enum { TW_USE_SIDE = 128 };
struct tw_use_query {
    uintptr_t address, pc, cfa;
    uint8_t kind;
    uint16_t oflags;
    uint16_t side; /* up to TW_USE_SIDE */
    bool alive;    /* the caller knows that it is not destroyed: one that we saw destroyed has been given a new life
                      without an init call */
};
struct tw_use_entry *tw_use_lookup(struct tw_thread *t, const struct tw_use_query *q);

/* The object's record has not served another since. */
static inline bool tw_use_same(const struct tw_use_entry *e) {
    return e->o->address == e->address && e->o->generation == e->generation;
}

static inline struct tw_use_entry *tw_use_at(struct tw_thread *t, const struct tw_use_query *q) {
    struct tw_use_entry *e = &t->uses[(q->address >> 3 ^ q->address >> 9) % TW_USES];
    if (TW_LIKELY(e->address == q->address && tw_use_same(e) && !(e->o->flags & (TWATCH_OBJF_DEAD | TWATCH_OBJF_DESTROYED)))) return e;
    return tw_use_lookup(t, q);
}
/* Somebody used the object and that was kept: its id is not to be used again. */
bool tw_use_has(uint32_t object);
/* How long what is announced at a condition variable waits: its record, made at first use, written under no lock. It may come to serve another
   object when this one has died. NULL: no room, or the object was never used. */
struct twatch_queue *tw_use_queue(uint32_t object);
/* The side state of an object that some thread has used, by id: for a look at the whole process. NULL: none. */
void *tw_use_side(uint32_t object);

#endif
