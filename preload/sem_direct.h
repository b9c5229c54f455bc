/*
 * Free permits taken, and permits given back that nobody waits for, here instead of in libc. glibc keeps the value in
 * the low half of the first word and the number of waiters in the high half (struct new_sem with 64-bit atomics,
 * sysdeps/nptl/internaltypes.h); its own first attempts are the same compare-and-swap (nptl/sem_wait.c,
 * nptl/sem_post.c). Whatever is not that case goes to libc: no permit, somebody waits, a value at its limit.
 *
 * Off until tw_sem_direct_start has seen that this libc does it so. May be used in a signal handler and by any thread.
 */
#ifndef TW_SEM_DIRECT_H
#define TW_SEM_DIRECT_H

#include <limits.h>
#include <semaphore.h>

#include "sys.h"

extern TW_HIDDEN bool tw_sem_direct; /* ordinary memory: stays in a child of a fork */

static inline uint64_t *tw_sem_direct_word(sem_t *s) {
    return (uint64_t *)(void *)s;
}

/* False: there is no permit; nothing was changed. */
static inline bool tw_sem_direct_take(sem_t *s) {
    uint64_t seen = __atomic_load_n(tw_sem_direct_word(s), __ATOMIC_RELAXED);
    while ((uint32_t)seen != 0)
        if (__atomic_compare_exchange_n(
                    tw_sem_direct_word(s), &seen, seen - 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

/* False: somebody waits, or there are too many; nothing was changed, and libc must give it. */
static inline bool tw_sem_direct_give(sem_t *s) {
    uint64_t seen = __atomic_load_n(tw_sem_direct_word(s), __ATOMIC_RELAXED);
    while (seen < SEM_VALUE_MAX) /* no waiters, or it would be larger */
        if (__atomic_compare_exchange_n(
                    tw_sem_direct_word(s), &seen, seen + 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return true;
    return false;
}

/* Before the first thread is created: tries libc and switches on what is above. */
void tw_sem_direct_start(void);

#endif
