/*
 * A look at the whole process: every live thread with what it waits for and who stands in its way, and the fixpoint of
 * who can still go on. Only when there is suspicion. Inside the guard. What other threads wait for may be gone by now:
 * their memory is read through the kernel, never directly.
 */
#ifndef TW_LOOK_H
#define TW_LOOK_H

#include "object.h"

enum tw_look_needs {  /* what a thread needs to go on */
    TW_NEEDS_NOTHING, /* it runs, or will in time */
    TW_NEEDS_ONE,     /* the thread in `target` (mutex, writer of a rwlock, spin, once, join) */
    TW_NEEDS_ALL,     /* all that hold the rwlock at `address` */
    TW_NEEDS_ANY,     /* somebody who wakes it (condition, semaphore, barrier, futex) */
    TW_NEEDS_ENDED    /* a thread that has ended and holds what it wants */
};

struct tw_view {
    uint32_t thread; /* id; 0: the slot is free */
    uint32_t slot;
    int32_t tid;
    uint32_t seq;
    uint8_t kind, mode;
    uint16_t flags;
    uint32_t object, mutex, joined, stack;
    uint64_t since_ns;
    uintptr_t address;
    uint8_t needs;                  /* enum tw_look_needs */
    bool alive, core;               /* core: the verdict on the caller rests on it, see detect.c */
    bool woken;                     /* out of a condition wait, on its way to the mutex in kind and address */
    uint32_t target;                /* slot id; ENDED: id of the thread that has ended, 0 unknown */
    uint32_t parent, cursor, color; /* of the search for a circle, see verdict.c */
};

struct tw_scene {
    struct tw_view *at; /* at[slot id]; at[0] is unused */
    uint32_t n;         /* slots */
    uint32_t live, dead;
    bool any_alive;
    bool moving;     /* of somebody it could not be told whether it waits: look again */
    bool partial;    /* there was no memory for all: those not seen count as alive */
    uint32_t self;    /* slot of the caller; 0 none */
    uint32_t leaving; /* threads that have ended, and have not left their slots yet */
    struct {
        uintptr_t address;
        uint32_t waiters; /* that wait for it, but for the caller */
    } last;               /* the last object that was counted: many wait for the same */
};

/* Copies the last state of a thread; one that changes too fast to be read is running. False: the slot is free, or its
 * thread has ended and is about to leave it. */
bool tw_look_thread(uint32_t slot, struct tw_view *v);
/* Who is in the way of this one wait, from the memory of the lock alone. `own`: the caller's own wait, whose memory is
 * there. Sets needs, target, woken. */
void tw_look_need(struct tw_view *v, struct tw_scene *scene, bool own);
/* More threads have come to the barrier than it is made for: the last by our count may be left behind. */
bool tw_look_crowded(const struct twatch_object *o);
/* The thread has left its condition wait and waits for the mutex. Sets needs and target. */
void tw_look_woken(struct tw_view *v);
/* Looks at everybody and computes who is alive. `self`: slot of the caller, 0 when it is about to end. Callers take
 * turns: there is room for one scene. */
void tw_look(struct tw_scene *scene, uint32_t self);
/* Makes room for a scene while there is memory; at a hang there may be none. Callers take turns. */
void tw_look_reserve(void);
extern uint32_t tw_look_room; /* slots that there is room for */
/* Computes again who is alive, after some needs were changed. */
void tw_look_settle(struct tw_scene *scene);
/* The next slot after `from` whose thread holds the lock of v in a way that keeps v out; 0: no more. *held gets the
 * entry if not NULL. */
uint32_t tw_look_holder(const struct tw_scene *scene, const struct tw_view *v, uint32_t from, struct twatch_held *held);
/* Slot of the live thread with this kernel id; 0 unknown. A probe of a cache, O(threads) on a miss. */
uint32_t tw_look_slot(int32_t tid);

/* A thread ends while it holds these: they can never be had again (held entries of t, as far as they are there). */
void tw_look_orphans(const struct tw_thread *t);
bool tw_look_orphan_wanted(void); /* somebody waits for one of them */
void tw_look_forked(void);

#endif
