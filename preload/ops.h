/*
 * What the wrappers of locks have in common: waiting that is published, misuse that is said, absolute times of other
 * clocks.
 */
#ifndef TW_OPS_H
#define TW_OPS_H

#include <errno.h>
#include <time.h>

#include "held.h"
#include "incident.h"
#include "race/hooks.h"
#include "real.h"
#include "waits.h"

/* CLOCK_MONOTONIC nanoseconds of an absolute time of another clock, as it looks now; 0: no limit, or a clock that is
 * unknown. */
uint64_t tw_ops_deadline(clockid_t clock, const struct timespec *until);

/* What glibc 2.34+ asks of a time limit before it looks at the lock: a wrapper that tries first must not succeed where
 * the real one fails. */
static inline bool tw_ops_time_ok(const struct timespec *until) {
    return until && until->tv_nsec >= 0 && until->tv_nsec < 1000000000;
}
static inline bool tw_ops_clock_ok(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/* Publishes a wait; `what` names the object by address and kind, its id is looked up (or made) here when what->object
   is 0. The guard is free before and after. False: nothing was published, and tw_ops_wait_end must not be called. */
bool tw_ops_wait_begin(const struct tw_wait *what, uint32_t type, uint16_t oflags);
void tw_ops_wait_end(bool got);
/* When the lock that was waited for has been recorded as held: how long it is held may be measured. Enters the guard. */
void tw_ops_acquired_after_wait(uintptr_t address);
void tw_ops_wait_cancelled(void); /* from a cleanup handler */

/* One incident on the object at an address, with the stack of the caller. Inside the guard. */
struct tw_misuse {
    uint32_t kind, object, object2, other_thread, other_stack;
    uintptr_t pc, cfa;
    uint64_t aux;
};
void tw_ops_misuse(struct tw_thread *t, const struct tw_misuse *m);

/* aux of USE_AFTER_DESTROY and USE_UNINITIALIZED. */
enum tw_ops_action {
    TW_DOES_LOCK = 0,
    TW_DOES_UNLOCK = 1,
    TW_DOES_WAIT = 2,
    TW_DOES_SIGNAL = 3,
    TW_DOES_POST = 4,
    TW_DOES_DESTROY = 5
};
void tw_ops_used_after_destroy(
        struct tw_thread *t, uint32_t object, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa);

/* Stack of somebody's held entry: as captured, or the call site alone. Inside the guard. */
uint32_t tw_ops_held_stack(const struct twatch_held *h);

/*
 * Addresses of locks that were initialised by a call and destroyed by one, as a bitmap of hashes that only grows: what
 * keeps the question "is this one destroyed?" off the fast path of locks that glibc itself does not mark.
 */
enum { TW_OPS_GRAVES = 8192 };
extern uint64_t tw_ops_graves[TW_OPS_GRAVES / 64];
static inline uint64_t tw_ops_grave(uintptr_t address) {
    return (address >> 2) * 0x9e3779b97f4a7c15ull >> 51;
}
static inline bool tw_ops_maybe_destroyed(uintptr_t address) {
    uint64_t g = tw_ops_grave(address);
    return TW_UNLIKELY(__atomic_load_n(&tw_ops_graves[g / 64], __ATOMIC_RELAXED) >> g % 64 & 1);
}
/* At destroy: marks the object, and its address in the map. */
void tw_ops_destroyed(struct tw_thread *t, uint32_t object, uintptr_t pc, uintptr_t cfa);
/* When maybe_destroyed: says so if it is, and was initialised by a call. One that began with a static initialiser may
   have been assigned it again, which nobody can see. The address carries a new object from here on. */
void tw_ops_check_destroyed(
        struct tw_thread *t, uintptr_t address, uint32_t kind, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa);

/* The owner that glibc notes in a mutex (kernel thread id; 0 none); priority-inheriting and robust ones keep it in the
 * lock word itself. */
static inline int tw_ops_mutex_owner(const pthread_mutex_t *m) {
    enum { ROBUST = 16, PRIO_INHERIT = 32 };
    int kind = __atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED);
    if (kind & (ROBUST | PRIO_INHERIT)) return __atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED) & 0x3fffffff;
    return __atomic_load_n(&m->__data.__owner, __ATOMIC_RELAXED);
}

#endif
