/*
 * The fields of glibc's synchronisation objects that tell who is in the way (x86-64). Layouts that glibc keeps because
 * static initialisers and process-shared objects carry them from one version to the next; bits/struct_mutex.h,
 * bits/struct_rwlock.h, bits/thread-shared-types.h, and nptl/pthreadP.h, pthread_cond_common.c, pthread_barrier_wait.c,
 * sem_waitcommon.c, pthread_once.c for their meaning.
 */
#ifndef TW_LOOK_LIBC_H
#define TW_LOOK_LIBC_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

struct look_mutex {
    int32_t lock, count, owner, users, kind;
};
enum { LOOK_MUTEX_ROBUST = 16, LOOK_MUTEX_SHARED = 128, LOOK_OWNER_DIED = 0x40000000 };
_Static_assert(offsetof(struct __pthread_mutex_s, __owner) == offsetof(struct look_mutex, owner), "mutex layout");
_Static_assert(offsetof(struct __pthread_mutex_s, __kind) == offsetof(struct look_mutex, kind), "mutex layout");

struct look_rwlock {
    uint32_t readers, writers, wrphase_futex, writers_futex, pad3, pad4;
    int32_t writer; /* kernel id of the thread that holds it for writing */
    int32_t shared;
    uint64_t elision, pad;
    uint32_t flags;
};
enum { LOOK_READER_SHIFT = 3, LOOK_RWLOCK_PREFER_WRITER = 2 /* PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP */ };
_Static_assert(offsetof(struct __pthread_rwlock_arch_t, __cur_writer) == offsetof(struct look_rwlock, writer),
        "rwlock layout");
_Static_assert(
        offsetof(struct __pthread_rwlock_arch_t, __flags) == offsetof(struct look_rwlock, flags), "rwlock layout");

struct look_cond {
    uint64_t wseq, g1_start;
    uint32_t refs[2], size[2], orig_size;
    uint32_t wrefs;      /* waiters that have not confirmed their wake-up, in steps of 8 */
    uint32_t signals[2]; /* given and not yet taken, in steps of 2 */
};
enum { LOOK_COND_SHARED = 1, LOOK_COND_WREFS_SHIFT = 3 };
_Static_assert(offsetof(struct __pthread_cond_s, __wrefs) == offsetof(struct look_cond, wrefs), "condition layout");
_Static_assert(
        offsetof(struct __pthread_cond_s, __g_signals) == offsetof(struct look_cond, signals), "condition layout");

struct look_sem {
    uint32_t value, waiters;
    int32_t shared;
};
struct look_barrier {
    uint32_t in, round, count;
    int32_t shared;
};
enum { LOOK_ONCE_DONE = 2 };

#endif
