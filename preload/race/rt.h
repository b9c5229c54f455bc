/*
 * The race engine's own state: epochs, slots, and what the calling thread carries in its TLS.
 *
 * An epoch is 32 bits: (exact:1) (slot:10) (clock:21). A slot stands for a thread; its clock steps at each release.
 * Slots are used again after their thread has ended, and their clock goes on from where it stood: an old epoch of the
 * slot then looks like one of the new thread, which can hide a race and can never invent one. So slots of the dead are
 * taken only when RT_FRESH_SLOTS are out, the longest dead first; the new thread inherits the old clock vector. When
 * all slots are alive the rest of the threads share slot RT_CROWD (one clock vector for all of them). A slot whose
 * clock is used up is left; when all are, the shadow is wiped and clocks start again (clock.c).
 *
 * The runtime is called from any instruction of the program: no libc, no vector registers (the Makefile compiles this
 * folder with -mgeneral-regs-only), no errno. The algorithm is FastTrack (Flanagan, Freund, PLDI 2009) with one write
 * epoch and RT_READERS read epochs per 4-byte granule.
 */
#ifndef TWATCH_RACE_RT_H
#define TWATCH_RACE_RT_H

#include "hooks.h"
#include "rt_sys.h"
#include "runtime.h"
#include <stdbool.h>
#include <string.h>

enum { RT_SLOTS = 1024, RT_CROWD = 1022, RT_MARK_SLOT = 1023, RT_FRESH_SLOTS = 64, RT_READERS = 6, RT_PENDING = 8 };
enum { RT_CLOCK_BITS = 21, RT_RECENT = 8, RT_TAKEN = 8 };

#define RT_CLOCK_MASK ((1u << RT_CLOCK_BITS) - 1u)
#define RT_CLOCK_LAST                                                                                                  \
    (RT_CLOCK_MASK - (1u << 16)) /* a thread leaves its slot here; the rest is room for bumps by others */
#define RT_EXACT (1u << 31)
/* Write cells of atomic variables: MARK | slot of the only user, or MARK | RT_MARK_SHARED. */
#define RT_MARK (((uint32_t)RT_MARK_SLOT << RT_CLOCK_BITS))
#define RT_MARK_SHARED RT_CLOCK_MASK

static inline uint32_t rt_slot_of(uint32_t epoch) {
    return (epoch >> RT_CLOCK_BITS) & (RT_SLOTS - 1u);
}
static inline uint32_t rt_clock_of(uint32_t epoch) {
    return epoch & RT_CLOCK_MASK;
}
static inline uint32_t rt_epoch(uint32_t slot, uint32_t clock) {
    return slot << RT_CLOCK_BITS | clock;
}
static inline bool rt_is_mark(uint32_t cell) {
    return rt_slot_of(cell) == RT_MARK_SLOT;
}

/* What a site does, beyond enum x86_site_flag whose values the low bits share. */
enum rt_flags {
    RT_READ = 1,
    RT_WRITE = 2,
    RT_RMW = 4,
    RT_MOV = 8,
    RT_SPIN = 16,
    RT_ATOMIC = 32,
    RT_RANGE = 256,
    RT_FREE = 512,
    RT_EXACT_ATOMICS = 1024 /* told by the compiler: plain accesses do not synchronise */
};

#define RT_SITE_KEY (1ull << 58) /* key of an instrumented instruction: with its site number in the low half */

/* An access that is being looked at. */
struct rt_place {
    uint64_t key; /* for the thread's cache: site number, or pc | 1 << 63 */
    uintptr_t pc; /* instruction, 0 until it is asked for; return address when regs is NULL */
    uintptr_t sp;
    const void *regs;     /* struct x86_regs, or NULL */
    uint32_t size, flags; /* enum rt_flags */
    bool shared, hot;     /* another thread has used the memory; it was in a report */
    uint32_t id;          /* interned access (history.c), 0 until asked for */
};

struct rt_slot;

struct rt_tls {
    uint64_t epoch; /* in both halves; the owner and, at hand-over, others add to it atomically */
    uint64_t read_key;
    uint64_t spill[4];
    uint32_t bias;        /* RT_MARK | own slot */
    uint32_t reader;      /* region of its read cells */
    uint32_t busy;        /* inside the runtime: a signal handler's accesses are let through */
    struct rt_slot *slot; /* NULL: not attached */
    uint32_t *vc;         /* clocks[slot], RT_SLOTS entries; the own entry is not kept */
    uint64_t lock_key;    /* sum of hashes of what was acquired and not released: equal keys, equal lock sets */
    uint32_t in_ops;      /* called by the shim, inside its guard */
    uint32_t ended;
    uint32_t era;       /* of the clocks, see clock.c */
    uint32_t reacquire; /* atomic variable that a plain load was seen in front of; acquired again at the next slow call
                         */
    uint32_t exact_ops; /* releases before biasing begins */
    uint32_t ntaken, seen_taken, taken[RT_TAKEN]; /* atomic variables that other threads took over; sync.c */
    uint32_t used;      /* the epoch stands in a cell: the next release must step it */
    uint32_t npending;
    uint32_t deferred; /* a signal came meanwhile: when not busy any more, the signal mask becomes deferred_mask */
    uint64_t deferred_mask;
};

extern __thread struct rt_tls rt_tls __attribute__((tls_model("initial-exec")));

extern const struct tw_race_host *rt_host;

/* mem.c: the compiler's own calls land there, and use no vector register. */

/* ---- clock.c */
struct rt_birth {
    uint32_t clock, thread;
};
enum { RT_BIRTHS = 16, RT_CACHE = 1024, RT_BARE_SITES = 1 << 15, RT_BARE_CALLS = 1024, RT_LOCK_CACHE = 64, RT_NEARBY = 128 };

/* history.c: an access whose stack this thread has taken, good while the return addresses on the stack stand. */
struct rt_cached {
    uint64_t key, lock_key;
    uintptr_t sp;
    uint64_t words;        /* hash of the words at at[] */
    uint32_t id, unlocked; /* with the locks of lock_key; with locks not known, 0: not asked for yet */
    uint32_t stack, nslots;
    uint16_t at[TW_RACE_SLOTS]; /* of the words that hold return addresses: (address - sp) / 8 */
};
/* Accesses without stack and locks. Sites by their number: those of one piece of code lie together. */
struct rt_bare_site {
    uint32_t site, id;
};
struct rt_bare_call {
    uint64_t key;
    uint32_t id;
};

struct rt_known {
    uintptr_t obj;
    uint64_t hash;
    uint32_t count;
}; /* acquired and not released: what the lock key stands for */
enum { RT_KNOWN = 8 };

struct rt_slot {
    uint32_t number, thread;
    uint32_t state; /* enum rt_slot_state */
    uint32_t lock;
    struct rt_tls *tls; /* while alive; guarded by lock */
    uint32_t clock;     /* when tls is NULL */
    uint32_t nbirths;
    uint64_t ended_at; /* order of death */
    uintptr_t stack_lo, stack_hi, fs;
    struct rt_birth births[RT_BIRTHS];
    uintptr_t recent[RT_RECENT]; /* granules last read by a single mov */
    struct rt_known known[RT_KNOWN];
    uint32_t next_known;
    uint32_t nearby[RT_NEARBY]; /* sync.c: numbers of objects that were used last, by a hash of the address */
    uint32_t looks;             /* reads of the short way (quick.c) */
    uint32_t nrecent;
    uint32_t captures, hot_captures, skipped; /* stacks taken; not taken since (history.c) */
    uint64_t capture_at;        /* time stamp before which no other one is taken */
    uint32_t lock_looks, lock_skips; /* the same for lock sets */
    uint32_t hot_looks;              /* lock sets of memory that was in a report */
    struct {
        uint64_t key;
        uint32_t set;
    } locks[RT_LOCK_CACHE];
    struct {
        uint32_t op;
        uintptr_t obj;
    } pending[RT_PENDING];
    uint32_t tags[RT_CACHE]; /* a hash of key and sp, so that a miss touches one line that is shared by many */
    struct rt_cached cache[RT_CACHE];
    struct rt_bare_site bare_sites[RT_BARE_SITES];
    struct rt_bare_call bare_calls[RT_BARE_CALLS];
};
enum rt_slot_state { RT_SLOT_NEVER, RT_SLOT_LIVE, RT_SLOT_DEAD, RT_SLOT_SPENT };

extern uint32_t rt_clocks[RT_SLOTS][RT_SLOTS];
extern uint32_t rt_nslots; /* highest slot number in use + 1 */

bool rt_clock_attach(struct rt_tls *t, uint32_t thread);
void rt_clock_detach(struct rt_tls *t);
void rt_clock_bump(struct rt_tls *t);
/* The clock of a slot, and a step of it by another thread, so that what its thread does from now on is newer than what
 * is returned. */
uint32_t rt_clock_bump_other(uint32_t slot);
uint32_t rt_clock_now(uint32_t slot);
/* The atomic variable was the slot's own until now: its thread acquires it again at its next slow call. */
void rt_clock_taken(uint32_t slot, uint32_t number);
/* Join slot's clock vector into t's, with `clock` for the slot itself. */
void rt_clock_learn(struct rt_tls *t, uint32_t slot, uint32_t clock);
uint32_t rt_clock_thread(uint32_t epoch);
struct rt_slot *rt_clock_slot(uint32_t number);
void rt_clock_create(uint32_t child);
void rt_clock_join(uint32_t thread);
void rt_clock_forked(void);
/* First thing in every entry: attaches, follows a reset of the clocks, tells a nested call. False: let the access
 * through. */
static inline bool rt_enter(struct rt_tls *t);
static inline void rt_leave(struct rt_tls *t);
/* Not busy from here on; signals that were put off are handled in it. */
static inline void rt_idle(struct rt_tls *t);
extern volatile uint32_t rt_stopped; /* a reset of the clocks is under way */
bool rt_enter_slow(struct rt_tls *t);
void rt_leave_slow(struct rt_tls *t);
void rt_idle_slow(struct rt_tls *t);

static inline void rt_idle(struct rt_tls *t) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->busy = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(t->deferred != 0, 0)) rt_idle_slow(t);
}

static inline bool rt_enter(struct rt_tls *t) {
    if (t->busy) return false;
    t->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(
                rt_stopped || !t->slot || rt_clock_of((uint32_t)t->epoch) >= RT_CLOCK_LAST || t->ended, 0))
        return rt_enter_slow(t);
    return true;
}

static inline void rt_leave(struct rt_tls *t) {
    if (__builtin_expect(t->npending != 0, 0)) rt_leave_slow(t);
    rt_idle(t);
}

/* ---- sync.c */
enum rt_sync_op { RT_ACQUIRE, RT_RELEASE, RT_ACQUIRE_SHARED, RT_RELEASE_SHARED };
void rt_sync_forget(uintptr_t obj);
void rt_sync_forked(void);
void rt_sync_do(struct rt_tls *t, uint32_t op, uintptr_t obj);
/* Atomic variables: number of the one at an address (made when there is none), its use, its end. */
uint32_t rt_atomic_at(struct rt_tls *t, uintptr_t addr, uint32_t size, struct rt_place *p);
void rt_atomic_release(struct rt_tls *t, uint32_t number);
void rt_atomic_acquire(struct rt_tls *t, uint32_t number);
/* What t->reacquire asks for. */
void rt_atomic_reacquire(struct rt_tls *t);
#define RT_REACQUIRE_TAKEN (~0u)
/* Remembers the operation as the variable's last one. */
void rt_atomic_note(struct rt_tls *t, uint32_t number, struct rt_place *p);
/* A plain access to the granule of an atomic variable. */
void rt_atomic_plain(struct rt_tls *t, uintptr_t granule, struct rt_place *p);
void rt_atomic_drop(uint32_t number, uintptr_t granule);
void rt_atomic_drop_range(uintptr_t lo, uintptr_t hi);
void rt_sync_reset(void);
/*
 * An access where there is no shadow: what is atomic there still orders the rest of memory, and is a named object of
 * its granule. A plain access (!atomic) counts only where an atomic one was. Nothing where memory is watched.
 */
void rt_sync_unwatched(struct rt_tls *t, uintptr_t granule, bool atomic, bool release, bool acquire);

/* ---- access.c */
/* An access of these flags will be looked at: prefetches. Any state of t. */
void rt_access_soon(const struct rt_tls *t, uintptr_t addr, uint32_t flags);
void rt_access(struct rt_tls *t, uintptr_t addr, size_t bytes, struct rt_place *p);
/* Is there nothing to be said of a range of one byte or more? Any state of t. */
bool rt_access_known(struct rt_tls *t, uintptr_t addr, size_t bytes, bool is_write);
/* The memory was freed by the caller: a write of what was ever touched of its first 4 KiB. */
void rt_access_free(struct rt_tls *t, uintptr_t addr, size_t size, struct rt_place *p);

/* ---- history.c */
struct rt_access {
    uint64_t pc; /* or the key of a site: see rt_history_pc */
    uint32_t stack, locks, size;
    uint16_t slot, flags;
};
enum { RT_ID_BITS = 28, RT_FREE_CAPTURES = 2000, RT_SHARED_RATE = 64, RT_FREE_LOCKS = 4096, RT_LOCKS_RATE = 64 };
#define RT_LOCKS_UNKNOWN (~0u) /* in place of a lock set */
/* Interned number of (place, stack, lock set) of the calling thread; never 0. 10 ns on a hit. */
uint32_t rt_history_id(struct rt_tls *t, struct rt_place *p);
/* The number will be asked for: prefetches. */
void rt_history_soon(const struct rt_tls *t, const struct rt_place *p);
/* Where the thread's cache has a place, and what the words hash to that held return addresses when its stack was taken. */
static inline uint32_t rt_history_hash(uint64_t key, uintptr_t sp) {
    return (uint32_t)((key ^ sp << 20) * 0x9e3779b97f4a7c15ull >> 32);
}
static inline uint64_t rt_history_words(const struct rt_cached *e) {
    uint64_t h = e->nslots, odd = 0x9e3779b97f4a7c15ull; /* a sum of products, none of which waits for another */
    for (uint32_t i = 0; i < e->nslots; i++, odd += 0x6a09e667f3bcc908ull)
        h += ((const uint64_t *)e->sp)[e->at[i]] * odd;
    return h;
}
const struct rt_access *rt_history_get(uint32_t id);
/* Looks the site up: with the vector registers saved. */
uint64_t rt_history_pc(const struct rt_access *a);
const uint32_t *rt_history_locks(uint32_t set, uint32_t *n);
/* Number of an access whose parts are known; 0 when the table is full. */
uint32_t rt_history_number(const struct rt_access *a);
bool rt_history_init(void);
void rt_history_forked(void);

/* ---- report.c */
struct rt_race {
    uintptr_t granule;
    uint32_t mask; /* bytes of the granule that both touched */
    uint32_t old_epoch, old_mask, old_id;
    uint32_t new_epoch, new_id;
    uintptr_t new_addr;
    bool old_write;
    bool hybrid;
};
void rt_report(struct rt_tls *t, const struct rt_race *r);
void rt_report_touch(struct rt_tls *t, uintptr_t granule, uint32_t locks);
/* Writes what had to wait. Inside the guard. */
void rt_report_flush(struct rt_tls *t);
bool rt_report_init(void);
enum { RT_THREAD_BLOCK = 2304 }; /* of glibc's, at the thread pointer */
void rt_report_tls(size_t bytes); /* static TLS below the thread pointer */
void rt_report_forked(void);
extern uint8_t rt_report_hot[4096]; /* nonzero where a granule of this hash was in a report */
static inline uint32_t rt_report_hash(uintptr_t granule) {
    return (uint32_t)(granule >> 2 ^ granule >> 14) & 4095u;
}

/* ---- block.c: malloc blocks */
void rt_block_new(uintptr_t addr, size_t size, uint32_t id);
bool rt_block_find(uintptr_t addr, uintptr_t *start, size_t *size, uint32_t *id);

static inline void rt_lock(uint32_t *l) {
    while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE))
        for (uint32_t spins = 0; __atomic_load_n(l, __ATOMIC_RELAXED); spins++) {
            if (spins < 64)
                __builtin_ia32_pause();
            else
                rt_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
        }
}
static inline void rt_unlock(uint32_t *l) {
    __atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

static inline uint64_t rt_mix(uint64_t x) { /* finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) */
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

#endif
