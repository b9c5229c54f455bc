/*
 * The short way of a check that did not match: nothing is to be said, only the thread's epoch and the place to be
 * stored. Most accesses that leave the inline check are of this kind, the first ones after each release of a lock.
 *
 * What it does is what access.c does for the same access, so either may be taken; whatever is not plain (an unordered
 * cell, an atomic variable, memory that was in a report, a reader that must be looked at, a place not yet numbered)
 * is left to it. The point of a path of its own is its length. Cells, marks and datum are cache misses as often as not,
 * and the processor waits for them together only while the instructions between them, and above all the stores, of
 * which some 60 can be under way, fit in its window. So these are leaf functions that save what they use and no more,
 * in two steps: the frequent case, and the others; what will be needed is asked for first; marks are stored unread.
 *
 * A read whose cell has an older epoch of the thread's own does not look for writes: a writer empties the cells of all
 * other readers (access.c), so nobody else has written since that read, and what was written before it was looked at
 * then. A reader that stores just while a writer empties its cell would hide that write from itself, so one read in
 * RT_AUDIT looks all the same.
 */
#include "quick.h"
#include "shadow.h"
#include "x86/x86.h"

#define SLOT_BITS (~RT_CLOCK_MASK & ~RT_EXACT)
#define IDS_MASK ((1u << RT_ID_BITS) - 1u)
#define BOTH(x) ((uint64_t)(x)*0x100000001ull)
#define ALWAYS static inline __attribute__((always_inline))
#define LIKELY(x) __builtin_expect(!!(x), 1)

struct quick {
    struct rt_tls *t;
    const struct rt_window *w;
    uint32_t epoch, id;
    bool mov, audit;
};

ALWAYS bool own(uint32_t cell, uint32_t epoch) {
    return !((cell ^ epoch) & SLOT_BITS);
}

/* The thread's own write, or none, of a whole granule. */
ALWAYS bool alone(uint32_t cell, uint32_t epoch) {
    return !cell || !((cell ^ epoch) & ~RT_CLOCK_MASK);
}

/* A write before the caller, by the clocks. Marks of atomic variables are not. */
ALWAYS bool ordered(const struct quick *q, uint32_t cell) {
    uint32_t slot = rt_slot_of(cell);
    return slot == rt_slot_of(q->epoch) || (slot != RT_MARK_SLOT && rt_clock_of(cell) <= q->t->vc[slot]);
}

ALWAYS bool is_hot(uintptr_t g) {
    return rt_report_hot[rt_report_hash(g)] != 0;
}

/* Of an aligned pair: its hashes differ in their last bit. */
ALWAYS bool pair_is_hot(uintptr_t g) {
    return *(const uint16_t *)(const void *)&rt_report_hot[rt_report_hash(g) & ~1u] != 0;
}

/* The mask to store for bytes `mask` of a granule whose cell is `old`; 0: they are covered. */
ALWAYS uint32_t joined(const struct quick *q, const uint32_t *mark, uint32_t old, uint32_t mask) {
    if (mask == 15 || old != (q->epoch | RT_EXACT)) return mask;
    uint32_t m = *mark, covered = m >> RT_ID_BITS;
    if ((covered & mask) == mask) return 0;
    return (m & IDS_MASK) == q->id ? covered | mask : mask;
}

ALWAYS void remember_load(const struct rt_tls *t, uintptr_t g, bool mov) {
    if (mov) rt_remember_load(t->slot, g);
}

ALWAYS bool read_granule(const struct quick *q, uintptr_t g, uint32_t mask) {
    uint32_t *cell = (uint32_t *)(g ^ q->t->read_key), old = *cell, written = *rt_write_cell(g);
    if (old == q->epoch) return true;
    if ((old && !own(old, q->epoch)) || is_hot(g)) return false;
    bool others = !alone(written, q->epoch);
    if (others && !ordered(q, written)) return false;
    uint32_t *mark = rt_read_mark(q->w, g, q->t->reader), all = joined(q, mark, old, mask);
    if (!all) return true;
    *mark = all << RT_ID_BITS | q->id;
    __atomic_store_n(cell, all == 15 || !others ? q->epoch : q->epoch | RT_EXACT, __ATOMIC_RELEASE);
    if ((!old || q->audit) && !(*rt_readers(q->w, g) >> q->t->reader & 1u))
        __atomic_fetch_or(rt_readers(q->w, g), (uint8_t)(1u << q->t->reader), __ATOMIC_SEQ_CST);
    if (__builtin_expect(*(volatile uint32_t *)rt_write_cell(g) != written, 0)) { /* somebody writes just now */
        *cell = 0;
        return false;
    }
    remember_load(q->t, g, q->mov);
    return true;
}

/* Bytes that were accessed so in this epoch: cells of parts of shared granules match no check. */
ALWAYS bool covered(const uint32_t *cell, const uint32_t *mark, uint32_t epoch, uint32_t mask) {
    return *cell == (epoch | RT_EXACT) && (*mark >> RT_ID_BITS & mask) == mask;
}

/*
 * Of what the thread has written in this epoch: nothing is to be said (as in access.c). False where not all bytes are,
 * or a cell is not the thread's own.
 */
ALWAYS bool read_of_own(const struct quick *q, uintptr_t addr, uint32_t size) {
    uint32_t bit = 1u << q->t->reader;
    for (uintptr_t g = addr & ~3ull; g < addr + size; g += 4) {
        uint32_t mask = rt_mask_of(g, addr, addr + size), *cell = (uint32_t *)(g ^ q->t->read_key);
        if (*rt_write_cell(g) != q->epoch || !alone(*cell, q->epoch)) return false;
        if ((*rt_write_mark(q->w, g) >> RT_ID_BITS & mask) != mask) return false;
    }
    for (uintptr_t g = addr & ~3ull; g < addr + size; g += 4) {
        *rt_read_mark(q->w, g, q->t->reader) = 0;
        __atomic_store_n((uint32_t *)(g ^ q->t->read_key), q->epoch, __ATOMIC_RELEASE);
        if (!(*rt_readers(q->w, g) & bit)) __atomic_fetch_or(rt_readers(q->w, g), (uint8_t)bit, __ATOMIC_SEQ_CST);
        if (*(volatile uint32_t *)rt_write_cell(g) != q->epoch) return false;
    }
    return true;
}

/* Reads that need no look: none, or the thread's own. Two slots may share a region of read cells. */
ALWAYS bool own_reads(const struct quick *q, uintptr_t g, uint32_t readers) {
    if (!readers) return true;
    if (readers & ~(1u << q->t->reader)) return false;
    return rt_nslots <= RT_READERS + 1 || own(*(uint32_t *)(g ^ q->t->read_key), q->epoch);
}

/* The same of one granule or two whose bits are known. */
ALWAYS bool own_readers(const struct rt_tls *t, uintptr_t g, bool one, uint32_t r) {
    if (r & ~(0x101u << t->reader)) return false;
    if (LIKELY(rt_nslots <= RT_READERS + 1)) return true;
    const uint32_t *cell = (const uint32_t *)(g ^ t->read_key);
    return alone(cell[0] & ~RT_EXACT, (uint32_t)t->epoch) && (one || alone(cell[1] & ~RT_EXACT, (uint32_t)t->epoch));
}

/* Reads by others that the clocks order before the caller. */
ALWAYS bool ordered_readers(const struct quick *q, uintptr_t g, uint32_t readers) {
    for (uint32_t b = readers; b; b &= b - 1) {
        uint32_t cell = *rt_read_cell(g, (uint32_t)__builtin_ctz(b)) & ~RT_EXACT;
        if (cell && !ordered(q, cell)) return false;
    }
    return true;
}

/* As check_readers in access.c, behind the write. False: somebody reads just now. */
ALWAYS bool empty_readers(const struct quick *q, uintptr_t g, uint32_t readers) {
    uint32_t gone = 0;
    for (uint32_t b = readers; b; b &= b - 1) {
        uint32_t j = (uint32_t)__builtin_ctz(b), cell = *rt_read_cell(g, j);
        if (cell && j == q->t->reader && own(cell, q->epoch)) continue;
        if (cell && !ordered(q, cell & ~RT_EXACT)) return false;
        if (!cell)
            gone |= 1u << j;
        else if (!__atomic_compare_exchange_n(rt_read_cell(g, j), &cell, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return false;
    }
    if (gone) __atomic_fetch_and(rt_readers(q->w, g), (uint8_t)~gone, __ATOMIC_RELAXED);
    return true;
}

ALWAYS bool write_granule(const struct quick *q, uintptr_t g, uint32_t mask) {
    uint32_t *cell = rt_write_cell(g), old = *cell;
    uint8_t *readers = rt_readers(q->w, g), r = *readers;
    if (old == q->epoch) return true;
    bool looked = own_reads(q, g, r);
    if ((!looked && !ordered_readers(q, g, r)) || is_hot(g)) return false;
    bool others = !alone(old, q->epoch);
    if (others && !ordered(q, old)) return false;
    others |= (r & ~(1u << q->t->reader)) != 0;
    uint32_t *mark = rt_write_mark(q->w, g), all = joined(q, mark, old, mask);
    if (!all) return true;
    *mark = all << RT_ID_BITS | q->id;
    __atomic_store_n(cell, all == 15 || !others ? q->epoch : q->epoch | RT_EXACT, __ATOMIC_RELEASE);
    if (__builtin_expect(*(volatile uint8_t *)readers != r, 0) || (!looked && !empty_readers(q, g, r))) {
        uint32_t stored = *cell & ~RT_EXACT; /* somebody reads just now; a mark that came meanwhile stays */
        if (stored == q->epoch) *cell = old;
        return false;
    }
    return true;
}

/* Epochs of the thread's own, of whole granules. */
ALWAYS bool own_pair(uint64_t cells, uint64_t epoch) {
    return !((cells ^ epoch) & ~BOTH(RT_CLOCK_MASK));
}

/* One write of both granules, by the caller or before it, or none. */
ALWAYS bool quiet_pair(const struct quick *q, uint64_t written) {
    return written == BOTH((uint32_t)written) && (alone((uint32_t)written, q->epoch) || ordered(q, (uint32_t)written));
}

/* Two granules at once. */
ALWAYS bool read_pair(const struct quick *q, uintptr_t g) {
    uint64_t epoch = BOTH(q->epoch), *cells = (uint64_t *)(g ^ q->t->read_key), old = *cells;
    uint64_t written = *(uint64_t *)rt_write_cell(g);
    bool plain = (!old || own_pair(old, epoch)) && !pair_is_hot(g) && quiet_pair(q, written);
    if (!plain) return read_granule(q, g, 15) && read_granule(q, g + 4, 15);
    *(uint64_t *)rt_read_mark(q->w, g, q->t->reader) = BOTH(15u << RT_ID_BITS | q->id);
    __atomic_store_n(cells, epoch, __ATOMIC_RELEASE);
    if (!old || q->audit) {
        uint16_t *readers = (uint16_t *)rt_readers(q->w, g), bits = (uint16_t)(0x101u << q->t->reader);
        if ((*readers & bits) != bits) __atomic_fetch_or(readers, bits, __ATOMIC_SEQ_CST);
    }
    if (__builtin_expect(*(volatile uint64_t *)rt_write_cell(g) != written, 0)) {
        *cells = 0;
        return false;
    }
    remember_load(q->t, g, q->mov);
    return true;
}

ALWAYS bool write_pair(const struct quick *q, uintptr_t g) {
    uint64_t epoch = BOTH(q->epoch), *cells = (uint64_t *)rt_write_cell(g), old = *cells;
    uint16_t *readers = (uint16_t *)rt_readers(q->w, g), r = *readers;
    bool plain =
            (!r || own_readers(q->t, g, false, r)) && !pair_is_hot(g) && (own_pair(old, epoch) || quiet_pair(q, old));
    if (!plain) return write_granule(q, g, 15) && write_granule(q, g + 4, 15);
    *(uint64_t *)rt_write_mark(q->w, g) = BOTH(15u << RT_ID_BITS | q->id);
    __atomic_store_n(cells, epoch, __ATOMIC_RELEASE);
    if (__builtin_expect(*(volatile uint16_t *)readers != r, 0)) {
        *cells = old;
        return false;
    }
    return true;
}

ALWAYS bool cells(const struct quick *q, uintptr_t addr, uint32_t size, bool is_write) {
    if (size >= 8 && !(addr & 7)) {
        for (uintptr_t g = addr; g < addr + size; g += 8)
            if (!(is_write ? write_pair(q, g) : read_pair(q, g))) return false;
        return true;
    }
    if (size == 4 && !(addr & 3)) return is_write ? write_granule(q, addr, 15) : read_granule(q, addr, 15);
    for (uintptr_t g = addr & ~3ull; g < addr + size; g += 4) {
        uint32_t mask = rt_mask_of(g, addr, addr + size);
        if (!(is_write ? write_granule(q, g, mask) : read_granule(q, g, mask))) return false;
    }
    return true;
}

/* The stack is known, and held other locks: as locks_affordable in history.c. */
ALWAYS uint32_t without_locks(struct rt_slot *s, uint32_t unlocked) {
    if (s->lock_looks < RT_FREE_LOCKS || s->lock_skips + 1 >= RT_LOCKS_RATE) return 0;
    s->lock_skips++;
    return unlocked;
}

/*
 * As rt_history_id where the caches have the number; 0 where not. Each so many accesses without a stack one is left to
 * the slow path, which decides whether to take its stack.
 */
ALWAYS uint32_t known(const struct rt_tls *t, uint32_t site, uintptr_t sp) {
    struct rt_slot *s = t->slot;
    uint64_t key = site | RT_SITE_KEY;
    uint32_t h = rt_history_hash(key, sp);
    const struct rt_cached *e = &s->cache[h % RT_CACHE];
    if (s->number == RT_CROWD) return 0;
    if (s->tags[h % RT_CACHE] == h && e->key == key && e->sp == sp && rt_history_words(e) == e->words)
        return LIKELY(e->lock_key == t->lock_key) ? e->id : without_locks(s, e->unlocked);
    struct rt_bare_site *b = &s->bare_sites[site % RT_BARE_SITES];
    bool due = s->captures < RT_FREE_CAPTURES || s->skipped % RT_SHARED_RATE == RT_SHARED_RATE - 1;
    if (due || b->site != site || !b->id) return 0;
    s->skipped++;
    return b->id;
}

/* The marks say so of these bytes. */
ALWAYS bool wrote(const uint32_t *mark, bool eight, uint32_t mask) {
    const uint64_t whole = BOTH(15u << RT_ID_BITS);
    return eight ? (*(const uint64_t *)mark & whole) == whole : (*mark >> RT_ID_BITS & mask) == mask;
}

/*
 * The most frequent case by itself, for its fewer registers: granules that the thread has read or written before, and
 * nobody else since, and the first write of all. Of a part of a granule also nobody else before: access.c has more to
 * do then. The size, the direction and the kind of load are known to the compiler.
 */
struct what {
    uint32_t size;
    bool is_write, mov;
};

ALWAYS uint32_t readers_of(const struct rt_window *w, uintptr_t g, bool eight) {
    return eight ? *(volatile uint16_t *)rt_readers(w, g) : *(volatile uint8_t *)rt_readers(w, g);
}

/*
 * The first read of all, where nobody else has written: of what the thread wrote in this epoch nothing is to be said
 * (as in access.c).
 */
ALWAYS bool first_read(struct rt_tls *t, uintptr_t addr, uint32_t site, uintptr_t sp, struct what is) {
    bool eight = is.size == 8;
    uintptr_t g = addr & ~3ull;
    const struct rt_window *w = rt_window(addr);
    uint64_t epoch = eight ? t->epoch : (uint32_t)t->epoch;
    uint64_t written = eight ? *(uint64_t *)rt_write_cell(g) : *rt_write_cell(g);
    if (written && (eight ? !own_pair(written, epoch) : (written ^ epoch) & ~(uint64_t)RT_CLOCK_MASK)) return false;
    uint32_t mask = eight ? 15 : ((1u << is.size) - 1u) << (addr & 3), id = 0;
    bool own = written == epoch && wrote(rt_write_mark(w, g), eight, mask);
    if (!own && !(id = known(t, site, sp))) return false;
    if (!own) id |= mask << RT_ID_BITS;
    uint32_t *mark = rt_read_mark(w, g, t->reader), *cell = (uint32_t *)(g ^ t->read_key);
    uint32_t bits = (eight ? 0x101u : 1u) << t->reader;
    if (eight) {
        *(uint64_t *)mark = BOTH(id);
        __atomic_store_n((uint64_t *)cell, epoch, __ATOMIC_RELEASE);
        if ((readers_of(w, g, true) & bits) != bits)
            __atomic_fetch_or((uint16_t *)rt_readers(w, g), (uint16_t)bits, __ATOMIC_SEQ_CST);
    } else {
        *mark = id;
        __atomic_store_n(cell, (uint32_t)epoch, __ATOMIC_RELEASE);
        if (!(readers_of(w, g, false) & bits)) __atomic_fetch_or(rt_readers(w, g), (uint8_t)bits, __ATOMIC_SEQ_CST);
    }
    uint64_t now = eight ? *(volatile uint64_t *)rt_write_cell(g) : *(volatile uint32_t *)rt_write_cell(g);
    if (!LIKELY(now == written)) { /* somebody writes just now */
        if (eight)
            *(uint64_t *)cell = 0;
        else
            *cell = 0;
        return false;
    }
    if (!own) remember_load(t, g, is.mov);
    return true;
}

enum verdict { LEFT, DONE, FIRST };

ALWAYS enum verdict again(struct rt_tls *t, uintptr_t addr, uint32_t site, uintptr_t sp, struct what is) {
    bool eight = is.size == 8;
    uintptr_t g = addr & ~3ull;
    const struct rt_window *w = rt_window(addr);
    if (addr & (is.size - 1) || !w || (eight ? pair_is_hot(g) : is_hot(g))) return LEFT;
    char *cell = is.is_write ? (char *)rt_write_cell(g) : (char *)(g ^ t->read_key);
    uint64_t *mark = (uint64_t *)(is.is_write ? rt_write_mark(w, g) : rt_read_mark(w, g, t->reader));
    __builtin_prefetch(mark, 1);
    if (is.is_write) __builtin_prefetch(rt_readers(w, g), 0);
    if (!is.is_write && !(++t->slot->looks % RT_AUDIT)) return LEFT;
    uint32_t mask = eight ? 15 : ((1u << is.size) - 1u) << (addr & 3);
    uint64_t old = eight ? *(uint64_t *)cell : *(uint32_t *)cell;
    if (!old && !is.is_write) return FIRST;
    if (old && (eight ? !own_pair(old, t->epoch) : ((uint32_t)old ^ (uint32_t)t->epoch) & ~RT_CLOCK_MASK))
        return !eight && covered((uint32_t *)cell, (uint32_t *)mark, (uint32_t)t->epoch, mask) ? DONE : LEFT;
    if (!is.is_write && is.size < 4 && mask != 15 && !alone(*rt_write_cell(g), (uint32_t)t->epoch)) return LEFT;
    uint32_t r = is.is_write ? readers_of(w, g, eight) : 0;
    if (r && !own_readers(t, g, !eight, r)) return LEFT;
    uint32_t id = known(t, site, sp);
    if (!id) return LEFT;
    id |= mask << RT_ID_BITS;
    if (eight) {
        *mark = BOTH(id);
        __atomic_store_n((uint64_t *)cell, t->epoch, __ATOMIC_RELEASE);
    } else {
        *(uint32_t *)mark = id;
        __atomic_store_n((uint32_t *)cell, (uint32_t)t->epoch, __ATOMIC_RELEASE);
    }
    if (!is.is_write) {
        remember_load(t, g, is.mov);
        return DONE;
    }
    if (LIKELY(r == readers_of(w, g, eight))) return DONE;
    if (eight)
        *(uint64_t *)cell = old; /* somebody reads just now */
    else
        *(uint32_t *)cell = (uint32_t)old;
    return LEFT;
}

/*
 * As rt_enter and rt_leave, which do not come here when there is more to do than to set a flag. That the clock is not
 * used up is seen to where it steps.
 */
ALWAYS bool enter(struct rt_tls *t) {
    if (t->busy) return false;
    t->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (LIKELY(!rt_stopped && t->slot && !t->reacquire)) {
        t->used = 1;
        return true;
    }
    t->busy = 0;
    return false;
}

ALWAYS int leave(struct rt_tls *t, bool done) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->busy = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return done && !t->npending && !t->deferred; /* else the slow path ends what is under way */
}

/* What is left. */
ALWAYS int any(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind, bool is_write) {
    struct rt_tls *t = &rt_tls;
    uint32_t size = 1u << (kind & X86_QUICK_SIZE);
    __builtin_prefetch(rt_write_cell(addr), 0);
    struct quick q = {.t = t,
            .w = rt_window(addr),
            .epoch = (uint32_t)t->epoch,
            .mov = kind & X86_QUICK_LOAD,
            .audit = t->slot->looks % RT_AUDIT == 0};
    bool watched = q.w && (addr & (RT_WINDOW_SIZE - 1)) <= RT_WINDOW_SIZE - size && t->slot->number != RT_CROWD;
    if (watched) __builtin_prefetch(is_write ? rt_write_mark(q.w, addr) : rt_read_mark(q.w, addr, t->reader), 1);
    if (watched && is_write) __builtin_prefetch(rt_readers(q.w, addr), 0);
    if (!watched) return leave(t, false);
    q.id = known(t, site, sp);
    bool done = q.id ? cells(&q, addr, size, is_write) : !is_write && read_of_own(&q, addr, size);
    return leave(t, done);
}

static __attribute__((noinline)) int read_any(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    return any(addr, site, sp, kind, false);
}
static __attribute__((noinline)) int write_any(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    return any(addr, site, sp, kind, true);
}

ALWAYS int quick(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind, struct what is, x86_quick_hook *first) {
    struct rt_tls *t = &rt_tls;
    __builtin_prefetch((void *)addr, 0);
    if (!enter(t)) return 0;
    enum verdict v = again(t, addr, site, sp, is);
    if (v == DONE) return leave(t, true);
    if (is.is_write) return write_any(addr, site, sp, kind);
    return v == FIRST ? first(addr, site, sp, kind) : read_any(addr, site, sp, kind);
}

#define QUICK_READ(name, bytes, load)                                                                                  \
    static __attribute__((noinline)) int first_##name(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {    \
        const struct what is = {.size = bytes, .mov = load};                                                           \
        return first_read(&rt_tls, addr, site, sp, is) ? leave(&rt_tls, true) : read_any(addr, site, sp, kind);        \
    }                                                                                                                  \
    static int name(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {                                      \
        return quick(addr, site, sp, kind, (struct what){.size = bytes, .mov = load}, first_##name);                   \
    }
#define QUICK_WRITE(name, bytes)                                                                                       \
    static int name(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {                                      \
        return quick(addr, site, sp, kind, (struct what){.size = bytes, .is_write = true}, NULL);                      \
    }
QUICK_READ(read1, 1, false)
QUICK_READ(read2, 2, false)
QUICK_READ(read4, 4, false)
QUICK_READ(read8, 8, false)
QUICK_READ(load1, 1, true)
QUICK_READ(load2, 2, true)
QUICK_READ(load4, 4, true)
QUICK_READ(load8, 8, true)
QUICK_WRITE(write1, 1)
QUICK_WRITE(write2, 2)
QUICK_WRITE(write4, 4)
QUICK_WRITE(write8, 8)

static int read_vector(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    return enter(&rt_tls) ? read_any(addr, site, sp, kind) : 0;
}
static int write_vector(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    return enter(&rt_tls) ? write_any(addr, site, sp, kind) : 0;
}
static int never(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    (void)addr, (void)site, (void)sp, (void)kind;
    return 0;
}

/* By the logarithm of the size; no plain load is longer than a register. */
x86_quick_hook *const rt_quick[X86_QUICK_KINDS] = {read1, read2, read4, read8, read_vector, read_vector, never,
        never,                                                                    /* 0 */
        write1, write2, write4, write8, write_vector, write_vector, never, never, /* X86_QUICK_WRITE */
        load1, load2, load4, load8, never, never, never, never,                   /* X86_QUICK_LOAD */
        never, never, never, never, never, never, never, never};
_Static_assert(X86_QUICK_WRITE == 8 && X86_QUICK_LOAD == 16, "the table's rows");
