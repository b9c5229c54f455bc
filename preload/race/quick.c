/*
 * The short way of a check that did not match: nothing is to be said, only the thread's epoch and the place to be
 * stored. Most accesses that leave the inline check are of this kind, the first ones after each release of a lock.
 *
 * What it does is what access.c does for the same access, so either may be taken; whatever is not plain (an unordered
 * cell, an atomic variable, memory that was in a report, a reader that must be looked at, a place not yet numbered)
 * is left to it. The point of a path of its own is its length. Cells, marks and datum are cache misses as often as not,
 * and the processor waits for them together only while the instructions between them, and above all the stores, of
 * which some 60 can be under way, fit in its window. So these are leaf functions that save what they use and no more,
 * one for each kind of access; what will be needed is asked for first; marks are stored without being read.
 */
#include "quick.h"
#include "shadow.h"
#include "x86/x86.h"

#define SLOT_BITS (~RT_CLOCK_MASK & ~RT_EXACT)
#define IDS_MASK ((1u << RT_ID_BITS) - 1u)
#define BOTH(x) ((uint64_t)(x)*0x100000001ull)
#define ALWAYS static inline __attribute__((always_inline))

struct quick {
    struct rt_tls *t;
    const struct rt_window *w;
    uint32_t epoch, id;
    bool mov;
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

ALWAYS void remember_load(const struct quick *q, uintptr_t g) {
    struct rt_slot *s = q->t->slot;
    if (q->mov && s->recent[(s->nrecent - 1) % RT_RECENT] != g) s->recent[s->nrecent++ % RT_RECENT] = g;
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
    if (!old && !(*rt_readers(q->w, g) >> q->t->reader & 1u))
        __atomic_fetch_or(rt_readers(q->w, g), (uint8_t)(1u << q->t->reader), __ATOMIC_SEQ_CST);
    if (__builtin_expect(*(volatile uint32_t *)rt_write_cell(g) != written, 0)) { /* somebody writes just now */
        *cell = 0;
        return false;
    }
    remember_load(q, g);
    return true;
}

/* Reads that need no look: none, or the thread's own. Two slots may share a region of read cells. */
ALWAYS bool own_reads(const struct quick *q, uintptr_t g, uint32_t readers) {
    if (!readers) return true;
    if (readers & ~(1u << q->t->reader)) return false;
    return rt_nslots <= RT_READERS + 1 || own(*(uint32_t *)(g ^ q->t->read_key), q->epoch);
}

ALWAYS bool write_granule(const struct quick *q, uintptr_t g, uint32_t mask) {
    uint32_t *cell = rt_write_cell(g), old = *cell;
    uint8_t *readers = rt_readers(q->w, g), r = *readers;
    if (old == q->epoch) return true;
    if (!own_reads(q, g, r) || is_hot(g)) return false;
    bool others = !alone(old, q->epoch);
    if (others && !ordered(q, old)) return false;
    uint32_t *mark = rt_write_mark(q->w, g), all = joined(q, mark, old, mask);
    if (!all) return true;
    *mark = all << RT_ID_BITS | q->id;
    __atomic_store_n(cell, all == 15 || !others ? q->epoch : q->epoch | RT_EXACT, __ATOMIC_RELEASE);
    if (__builtin_expect(*(volatile uint8_t *)readers != r, 0)) { /* somebody reads just now */
        *cell = old;
        return false;
    }
    return true;
}

/* Two granules at once. */
ALWAYS bool read_pair(const struct quick *q, uintptr_t g) {
    uint64_t epoch = BOTH(q->epoch), *cells = (uint64_t *)(g ^ q->t->read_key);
    uint64_t written = *(uint64_t *)rt_write_cell(g);
    bool plain = !((*cells ^ epoch) & ~BOTH(RT_CLOCK_MASK | RT_EXACT)) && written == BOTH((uint32_t)written) &&
                 !pair_is_hot(g);
    if (!plain) return read_granule(q, g, 15) && read_granule(q, g + 4, 15);
    if (!alone((uint32_t)written, q->epoch) && !ordered(q, (uint32_t)written)) return false;
    *(uint64_t *)rt_read_mark(q->w, g, q->t->reader) = BOTH(15u << RT_ID_BITS | q->id);
    __atomic_store_n(cells, epoch, __ATOMIC_RELEASE);
    if (__builtin_expect(*(volatile uint64_t *)rt_write_cell(g) != written, 0)) {
        *cells = 0;
        return false;
    }
    remember_load(q, g);
    return true;
}

ALWAYS bool write_pair(const struct quick *q, uintptr_t g) {
    uint64_t epoch = BOTH(q->epoch), *cells = (uint64_t *)rt_write_cell(g), old = *cells;
    uint16_t *readers = (uint16_t *)rt_readers(q->w, g), r = *readers;
    bool plain = (!old || !((old ^ epoch) & ~BOTH(RT_CLOCK_MASK))) && !(r & (uint16_t) ~(0x101u << q->t->reader)) &&
                 (!r || rt_nslots <= RT_READERS + 1) && !pair_is_hot(g);
    if (!plain) return write_granule(q, g, 15) && write_granule(q, g + 4, 15);
    *(uint64_t *)rt_write_mark(q->w, g) = BOTH(15u << RT_ID_BITS | q->id);
    __atomic_store_n(cells, epoch, __ATOMIC_RELEASE);
    if (__builtin_expect(*(volatile uint16_t *)readers != r, 0)) {
        *cells = old;
        return false;
    }
    return true;
}

ALWAYS uint32_t mask_of(uintptr_t g, uintptr_t lo, uintptr_t hi) {
    uint32_t m = 15;
    if (lo > g) m &= 15u << (lo - g);
    if (hi < g + 4) m &= 15u >> (g + 4 - hi);
    return m;
}

ALWAYS bool cells(const struct quick *q, uintptr_t addr, uint32_t size, bool is_write) {
    if (size >= 8 && !(addr & 7)) {
        for (uintptr_t g = addr; g < addr + size; g += 8)
            if (!(is_write ? write_pair(q, g) : read_pair(q, g))) return false;
        return true;
    }
    if (size == 4 && !(addr & 3)) return is_write ? write_granule(q, addr, 15) : read_granule(q, addr, 15);
    for (uintptr_t g = addr & ~3ull; g < addr + size; g += 4) {
        uint32_t mask = mask_of(g, addr, addr + size);
        if (!(is_write ? write_granule(q, g, mask) : read_granule(q, g, mask))) return false;
    }
    return true;
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
        return e->lock_key == t->lock_key ? e->id : 0;
    struct rt_bare_site *b = &s->bare_sites[site % RT_BARE_SITES];
    bool due = s->captures < RT_FREE_CAPTURES || s->skipped % RT_SHARED_RATE == RT_SHARED_RATE - 1;
    if (due || b->site != site || !b->id) return 0;
    s->skipped++;
    return b->id;
}

ALWAYS bool look(
        struct rt_tls *t, uintptr_t addr, uint32_t size, bool is_write, bool mov, uint32_t site, uintptr_t sp) {
    struct quick q = {.t = t, .w = rt_window(addr), .epoch = (uint32_t)t->epoch, .mov = mov};
    if (!q.w || (addr & (RT_WINDOW_SIZE - 1)) > RT_WINDOW_SIZE - size) return false;
    __builtin_prefetch(is_write ? rt_write_mark(q.w, addr) : rt_read_mark(q.w, addr, t->reader), 1);
    if (is_write) __builtin_prefetch(rt_readers(q.w, addr), 0);
    q.id = known(t, site, sp);
    if (!q.id) return false;
    t->used = 1;
    return cells(&q, addr, size, is_write);
}

/* As rt_enter and rt_leave, which do not come here when there is more to do than to set a flag. */
ALWAYS int quick(uintptr_t addr, uint32_t size, bool is_write, bool mov, uint32_t site, uintptr_t sp) {
    struct rt_tls *t = &rt_tls;
    __builtin_prefetch((void *)addr, 0);
    if (!is_write) __builtin_prefetch(rt_write_cell(addr), 0);
    if (t->busy) return 0;
    t->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    bool done = !rt_stopped && t->slot && rt_clock_of((uint32_t)t->epoch) < RT_CLOCK_LAST && !t->ended &&
                !t->reacquire && look(t, addr, size, is_write, mov, site, sp);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    t->busy = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return done && !t->npending && !t->deferred; /* else the slow path ends what is under way */
}

#define QUICK(name, size, is_write, mov)                                                                               \
    static __attribute__((no_caller_saved_registers)) int name(uintptr_t addr, uint32_t site, uintptr_t sp) {          \
        return quick(addr, size, is_write, mov, site, sp);                                                             \
    }

QUICK(read1, 1, false, false)
QUICK(read2, 2, false, false)
QUICK(read4, 4, false, false)
QUICK(read8, 8, false, false)
QUICK(read16, 16, false, false)
QUICK(read32, 32, false, false)
QUICK(write1, 1, true, false)
QUICK(write2, 2, true, false)
QUICK(write4, 4, true, false)
QUICK(write8, 8, true, false)
QUICK(write16, 16, true, false)
QUICK(write32, 32, true, false)
QUICK(load1, 1, false, true)
QUICK(load2, 2, false, true)
QUICK(load4, 4, false, true)
QUICK(load8, 8, false, true)

static __attribute__((no_caller_saved_registers)) int never(uintptr_t addr, uint32_t site, uintptr_t sp) {
    (void)addr, (void)site, (void)sp;
    return 0;
}

/* By the logarithm of the size; no plain load is longer than a register. */
x86_quick_hook *const rt_quick[X86_QUICK_KINDS] = {read1, read2, read4, read8, read16, read32, never, never, /* 0 */
        write1, write2, write4, write8, write16, write32, never, never, /* X86_QUICK_WRITE */
        load1, load2, load4, load8, never, never, never, never,         /* X86_QUICK_LOAD */
        never, never, never, never, never, never, never, never};
_Static_assert(X86_QUICK_WRITE == 8 && X86_QUICK_LOAD == 16, "the table's rows");
