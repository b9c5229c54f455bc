/*
 * The calling thread as the library sees it, and the recording guard.
 *
 *     struct tw_thread *t = tw_enter();      // NULL: forward untouched (nested call, not recording, no memory)
 *     if (t) { ...record...; tw_leave(t); }
 *
 * The guard covers recording only and never the real call: a thread cancelled, or a longjmp made, inside the real call would otherwise
 * leave it set. errno survives recording because nothing in the library touches it (raw system calls; libunwind is wrapped by stack.c).
 */
#ifndef TW_THREAD_H
#define TW_THREAD_H

#include "record.h"   /* preload/format */
#include "store.h"
#include "sys.h"

enum { TW_CLOCKED = 4 }; /* held locks of one thread that are measured at a time */
enum { TW_SITES = 64, TW_KNOWN = 128, TW_STACKS = 64, TW_USES = 16, TW_STATS = 8 };

/* A call site of lock functions, direct-mapped by its return address. New sites are looked at closely; see held.c. */
struct tw_site {
    uintptr_t pc;
    uint16_t seen;    /* acquisitions so far, up to TW_SITE_QUIET */
    int16_t tick;     /* quick acquisitions left until the next sample; 0 while the site is new or eager */
    uint16_t eager;   /* the stack cannot be found later: capture it at once */
    uint16_t outer;   /* locks were taken inside: what is known of those is wanted soon */
};
enum { TW_SITE_QUIET = 64, TW_SITE_SAMPLE = 256 };

/* Address to object id, direct-mapped; good while epoch == tw_object_epoch. */
struct tw_known {
    uintptr_t address;
    uint32_t object, epoch;
    uint32_t thread;  /* that filled the entry: a slot serves several, one after the other */
    uint32_t reserved;
    uintptr_t pc;     /* of the call */
};

struct tw_stack_entry { /* see stack.h */
    uintptr_t pc, cfa;
    uint64_t extra;             /* fingerprint of the Python frames; 0 in other programs */
    const struct twatch_stack *stack;
    const int32_t *slots;       /* per frame: distance in bytes from cfa to the slot of its return address */
    uint32_t nslots, slots_room;
};

struct tw_dep_table; /* deps.c */

struct tw_thread {
    volatile uint32_t busy;     /* the recording guard */
    uint32_t id;
    struct twatch_slot *slot;   /* in the record */
    struct twatch_held *held;   /* the slot's inline array or its overflow */
    struct twatch_thread *desc; /* in the record */
    uint32_t slot_id;
    int32_t tid;
    uintptr_t stack_lo, stack_hi;
    bool ended;                 /* its last destructor has run: nothing is recorded any more */
    bool exiting;               /* pthread_exit was called */
    bool returned;
    int writing;                /* descriptor that the thread writes to through libc, plus 1; 0: none (hands.h) */
    uint8_t end_rounds;         /* of thread-specific destructors so far */
    struct tw_dep_table *deps;
    struct tw_thread *next;     /* free list */
    struct tw_carried *carried; /* what it holds across a fork; see tw_thread_before_fork */
    uint32_t ncarried;
    uintptr_t lowest_object;    /* lowest address of an object on its own stack; 0 none */
    uintptr_t last_woken;       /* cond.c: address of the condition variable whose wait ended last, by a signal; 0 none */
    struct tw_spurious {        /* spurious.c: a wait that returned at once, not yet answered; cond 0: none */
        uintptr_t cond, mutex, site;
        uint32_t cond_id, mutex_id, stack;
    } spurious;
    struct tw_use_entry {       /* cache of use.c: what this thread does with the semaphore, condition or barrier at an address */
        uintptr_t address;
        uint32_t object;        /* id; the entry is good while its object is not dead and of this generation */
        uint32_t generation;
        struct twatch_object *o;
        struct twatch_use *use;
        void *side;             /* private state shared by all threads: struct tw_cond_side, tw_barrier_side; NULL for the rest */
    } uses[TW_USES];
    struct tw_clocked {         /* interval.c: holds being measured; address 0: free */
        uintptr_t address;
        uint64_t since_ns;
        struct twatch_stat *stat; /* where a contended one is counted; NULL: nowhere */
        uint16_t flags;           /* enum twatch_interval_flags */
    } clocked[TW_CLOCKED];
    uint64_t waited_until_ns;   /* end of the last long wait for a lock; 0: none */
    struct twatch_stat *waited_stat;
    struct tw_stat_entry {      /* cache of use.c: contention records, by the hash of object and site; 0: none */
        uint64_t key;
        struct twatch_stat *stat;
        uint64_t contended, wait_ns, wait_max_ns; /* not yet added to it */
        uint64_t added_ns;                        /* when that was done last */
    } stats[TW_STATS];
    uint8_t impatience, unhelped; /* patience.c: how often patience did not help lately, and how many waits go without it for that */
    uint32_t poll_count;        /* busy-wait detection, see waits.h */
    uintptr_t poll_pc;
    uint64_t poll_since_ns;
    struct tw_site sites[TW_SITES];
    struct tw_known known[TW_KNOWN];
    struct tw_seen {            /* deps.h: keys of dependencies seen lately, a cache line of them; 0: none */
        uint64_t key[8];
    } *seen;                    /* NULL: none yet */
    uint32_t seen_shift, seen_hits;
    struct tw_stack_entry stacks[TW_STACKS];
};

extern TW_HIDDEN __thread struct tw_thread *tw_self __attribute__((tls_model("initial-exec")));

/* The switch of the whole library, in a page that the kernel wipes in a forked child (MADV_WIPEONFORK), so that a raw clone or fork
   cannot write into the record of its parent. tw_live->on: 0 off or just forked, 1 recording. tw_live->direct: 1 only while on is,
   see direct.h. */
struct tw_switch {
    volatile uint32_t on, direct;
    char rest[TWATCH_PAGE - 8];
};
extern TW_HIDDEN struct tw_switch tw_live_page;
#define tw_live (&tw_live_page)

/* Slow part of tw_enter: attaches a thread that was not seen at birth, and restarts the library in a child of a raw fork. NULL: forward. */
struct tw_thread *tw_enter_slow(void);

/* For a thread that is known to record, outside the guard. */
static inline void tw_guard(struct tw_thread *t) {
    t->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline struct tw_thread *tw_enter(void) {
    struct tw_thread *t = tw_self;
    if (TW_UNLIKELY(t == NULL || !tw_live->on)) return tw_enter_slow();
    if (TW_UNLIKELY(t->busy)) return NULL; /* also after the thread's end: see after_end in thread.c */
    tw_guard(t);
    return t;
}

/* In a cleanup handler of a wrapper, when its thread was cancelled inside the real call: a guard that is still set was left behind by
   recording that the cancellation cut short (in a signal handler), since all frames above this one are gone. */
static inline struct tw_thread *tw_enter_cancelled(void) {
    if (tw_self && !tw_self->ended) tw_self->busy = 0;
    return tw_enter();
}

static inline void tw_leave(struct tw_thread *t) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->busy = 0;
}

/* Descriptors. tw_thread_desc: NULL for an unknown id. */
struct twatch_thread *tw_thread_desc(uint32_t id);
struct tw_thread *tw_thread_private(uint32_t slot_id);
/* Number of slots ever handed out, and slot by id (1-based): how the whole process is looked over. */
uint32_t tw_thread_slots(void);
struct twatch_slot *tw_thread_slot(uint32_t slot_id);
/* The live thread that holds the object, exclusively if possible; *entry gets its held entry. 0: nobody known. O(threads). */
uint32_t tw_thread_holder(uintptr_t address, struct twatch_held *entry);
/* Whoever is recorded as holding it does so no more (somebody else gave it back). O(threads). */
void tw_thread_drop_held(uintptr_t address);
/* The live thread with this kernel id; 0 unknown. O(threads). */
uint32_t tw_thread_by_tid(int tid);
/* The thread that waits for the object; its wait stack in *stack. 0: nobody. O(threads). */
uint32_t tw_thread_waiter(uintptr_t address, uint32_t *stack);
/* Newest thread with this pthread_t, alive or not; 0 unknown. */
uint32_t tw_thread_by_handle(uint64_t handle);

/* Birth. tw_thread_prepare runs in the creator, inside its guard, before the real create, and returns the descriptor's id (0: no room: the
   thread will attach by itself). tw_thread_begin runs first in the new thread; tw_thread_end last, from the destructor of a key. */
uint32_t tw_thread_prepare(struct tw_thread *creator, uintptr_t start_routine, uint32_t stack, uint32_t flags);
void tw_thread_begin(uint32_t id, size_t stack_size);
void tw_thread_end(struct tw_thread *t);
/* Called by wrappers of functions that order threads: a new segment of the caller starts. */
void tw_thread_next_segment(struct tw_thread *t);

/* Constructor part, and restart in a fork child (keeps the held locks of the forking thread). */
void tw_thread_init(void);
void tw_thread_forked(void);
/* The last thing before a fork and the first after it in the parent (pthread_atfork): keeps what the calling thread holds where a child finds it, since
   the record's pages are shared with the parent, which goes on. */
void tw_thread_before_fork(void);
void tw_thread_after_fork(void);

#endif
