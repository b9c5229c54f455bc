/*
 * Plain mutexes taken and given back here instead of in libc, when nobody else is at them. glibc's own first attempt is
 * a compare-and-swap of the lock word from 0 to 1, and then it notes the owner and counts the user (struct
 * __pthread_mutex_s in <bits/struct_mutex.h>; nptl/pthread_mutex_lock.c, PTHREAD_MUTEX_TIMED_NP). The same is done
 * here, which saves a call and its second look at the mutex. Whatever is not that case goes to libc: another kind, a
 * lock word that is not 0, waiters at the release.
 *
 * Off until tw_direct_start has seen that this libc does it so; off with races=on, whose wrappers do more.
 */
#ifndef TW_DIRECT_H
#define TW_DIRECT_H

#include "real.h"
#include "thread.h"

enum { TW_DIRECT_NO_ELISION = 512 }; /* bit of the kind: nptl/pthreadP.h */

/* The kinds that libc takes this way when they are free: default, adaptive, and the normal kind asked for by name,
   which says besides that it wants no lock elision. */
static inline bool tw_direct_kind(const pthread_mutex_t *m) {
    enum { KINDS = 1 << PTHREAD_MUTEX_TIMED_NP | 1 << PTHREAD_MUTEX_ADAPTIVE_NP };
    uint32_t kind = (uint32_t)__atomic_load_n(&m->__data.__kind, __ATOMIC_RELAXED) & ~(uint32_t)TW_DIRECT_NO_ELISION;
    return kind <= 3 && KINDS >> kind & 1;
}

/* The calling thread if it records and may take mutexes directly, else NULL. */
static inline struct tw_thread *tw_direct_thread(void) {
    struct tw_thread *t = tw_self;
    return TW_LIKELY(t != NULL && tw_live->direct && !t->busy) ? t : NULL;
}
/* The most frequent kind by far. */
static inline bool tw_direct_plain(const pthread_mutex_t *m) {
    return TW_LIKELY(m->__data.__kind == PTHREAD_MUTEX_TIMED_NP);
}

/* False: it is taken; nothing was changed. */
static inline bool tw_direct_take(const struct tw_thread *t, pthread_mutex_t *m) {
    int seen = 0;
    if (!__atomic_compare_exchange_n(&m->__data.__lock, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    m->__data.__owner = t->tid;
    m->__data.__nusers++;
    return true;
}

/* By its owner. False: somebody waits; nothing was changed, and libc must give it back. */
static inline bool tw_direct_give(const struct tw_thread *t, pthread_mutex_t *m) {
    int seen = 1;
    m->__data.__owner = 0; /* before the release, like libc: the next owner is noted in the same place */
    m->__data.__nusers--;
    if (TW_LIKELY(__atomic_compare_exchange_n(&m->__data.__lock, &seen, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
        return true;
    m->__data.__owner = t->tid;
    m->__data.__nusers++;
    return false;
}

/* Before the first thread is created, after the race engine has had its chance: tries libc and switches on what is
 * above. */
void tw_direct_start(void);
/* This libc is one of those whose sources were looked at. Asks the loader. */
bool tw_direct_libc_known(void);
/* In the child of a fork, whose switch the kernel has wiped. */
void tw_direct_forked(void);

#endif
