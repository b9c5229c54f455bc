/*
 * The slow path: an access whose cells are not of the thread's epoch. FastTrack, with byte masks.
 *
 * Part of a granule. An access of 1 or 2 bytes leaves its mask beside the epoch. While one thread alone uses the
 * granule the epoch is stored plainly, so that its further accesses to other bytes of it are fast, at the price of a
 * mask that lacks them; from the moment another thread is seen, the epoch is stored with RT_EXACT, which no check
 * matches, until the mask is full: neighbouring fields written by different threads are told apart exactly.
 *
 * Order of stores. Cell and mark are two words. The mark is stored first and read last, and an access carries its slot,
 * so a mark that belongs to another thread's access than the cell is noticed, and one that is newer than the cell of
 * the same thread can only be of an access that is as unordered as the older one.
 *
 * A reader and a writer that meet within the nanoseconds that a store takes to be seen can miss each other: there is no
 * fence between a thread's store to its own cell and its look at the other's. The pair is then seen at the next round,
 * and an edge that was missed so is found by published_since before anything is reported. The first access of all has no
 * next round for certain, and its stores may take as long as the kernel needs for a page of shadow: who finds the cell
 * empty here stores it by an atomic instruction.
 *
 * Edges at unordered reads. A single mov may be an acquire load or a release store of a C11 atomic. Where both sides of
 * a race are single movs the pair is reported with that flag, and the reader then learns what the writer had done, so
 * that what was published through the location is not reported after it (the edge of SHB: Mathur, Kini, Viswanathan,
 * OOPSLA 2018).
 */
#include "hybrid.h"
#include "shadow.h"
#include "x86/x86.h"

enum { FREE_MARKED = 1 << 12 };

static inline bool unordered(const struct rt_tls *t, uint32_t epoch) {
    uint32_t s = rt_slot_of(epoch);
    return s != rt_slot_of((uint32_t)t->epoch) && rt_clock_of(epoch) > t->vc[s];
}

static inline bool plain_mov(uint32_t flags) {
    return (flags & RT_MOV) && (flags & (RT_READ | RT_WRITE)) != (RT_READ | RT_WRITE);
}

/* The writer of `epoch` published something: what it had done until now is before the caller. */
static void learn_from(struct rt_tls *t, uint32_t epoch) {
    uint32_t slot = rt_slot_of(epoch), clock = rt_clock_of(epoch);
    rt_clock_bump_other(slot);
    rt_clock_learn(t, slot, clock);
}

/*
 * Checks run a few instructions before their access: a load may have seen a store that came after its check. Before a
 * race is believed, the locations that the thread last read by a single mov are asked whether the other thread has
 * stored to one of them since.
 */
static bool published_since(struct rt_tls *t, uint32_t epoch, uintptr_t addr, const struct rt_place *p) {
    struct rt_slot *s = t->slot;
    for (uint32_t i = 0; i < RT_RECENT; i++) {
        uintptr_t g = s->recent[i];
        if (!g || g - (addr & ~3ull) < (addr & 3) + p->size) continue; /* one half of an access publishes nothing for the other */
        uint32_t cell = *rt_write_cell(g) & ~RT_EXACT;
        if (rt_is_mark(cell)) { /* it was read before it was known to be atomic */
            rt_atomic_plain(t, g, &(struct rt_place){.flags = RT_READ});
            continue;
        }
        if (!cell || rt_slot_of(cell) != rt_slot_of(epoch) || !unordered(t, cell)) continue;
        const struct rt_window *w = rt_window(g);
        const struct rt_access *a = rt_history_get(*rt_write_mark(w, g));
        if (a->slot == rt_slot_of(cell) && plain_mov(a->flags)) learn_from(t, cell);
    }
    return !unordered(t, epoch);
}

/* True if the pair is a race that was reported. */
static bool suspect(struct rt_tls *t, uintptr_t g, uint32_t mask, uint32_t old, uint32_t mark, bool old_write,
        uintptr_t addr, struct rt_place *p) {
    if (!((mark >> RT_ID_BITS) & mask)) return false;
    const struct rt_access *a = rt_history_get(mark);
    if (a->slot != rt_slot_of(old)) return false; /* overwritten meanwhile */
    if (published_since(t, old, addr, p)) return false;
    rt_report(t, &(struct rt_race){.granule = g,
                         .mask = (mark >> RT_ID_BITS) & mask,
                         .old_epoch = old,
                         .old_mask = mark >> RT_ID_BITS,
                         .old_id = mark,
                         .new_epoch = (uint32_t)t->epoch,
                         .new_id = rt_history_id(t, p),
                         .new_addr = addr,
                         .old_write = old_write});
    if (old_write && !(p->flags & RT_WRITE) && ((plain_mov(a->flags) && plain_mov(p->flags)) || p->flags & RT_SPIN))
        learn_from(t, old);
    return true;
}

/* The mark of a write whose cell was found. Who stores both just now, the first of all (store_first), stores the mark again. */
static uint32_t mark_of(uintptr_t g, const struct rt_window *w, uint32_t cell) {
    const volatile uint32_t *mark = rt_write_mark(w, g);
    for (uint32_t i = 0; i < 64 && rt_history_get(*mark)->slot != rt_slot_of(cell); i++)
        __builtin_ia32_pause();
    return *mark;
}

static void check_write(
        struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w, struct rt_place *p) {
    uint32_t cell = *rt_write_cell(g) & ~RT_EXACT;
    if (cell && unordered(t, cell))
        suspect(t, g, mask, cell, mark_of(g, w, cell), true, addr, p);
    else if (__builtin_expect(rt_hybrid_on, 0) && cell)
        rt_hybrid_pair(t, g, mask, cell, *rt_write_mark(w, g), true, addr, p);
}

/*
 * The thread's own reads are no news to anybody after its own write, and stay. A reader's bit goes when its cell was
 * found empty, at the second write since its read: it may be storing its cell just now (quick.c), which has a bit then.
 */
static void check_readers(struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w,
        struct rt_place *p, uint32_t readers) {
    uint32_t gone = 0;
    for (uint32_t b = readers; b; b &= b - 1) {
        uint32_t j = (uint32_t)__builtin_ctz(b), cell = *rt_read_cell(g, j) & ~RT_EXACT;
        if (cell && rt_slot_of(cell) == rt_slot_of((uint32_t)t->epoch) && j == t->slot->number % RT_READERS) continue;
        /* The reader's next read must come here and see this write. */
        if (cell) cell = __atomic_exchange_n(rt_read_cell(g, j), 0, __ATOMIC_SEQ_CST) & ~RT_EXACT;
        if (cell && unordered(t, cell))
            suspect(t, g, mask, cell, *rt_read_mark(w, g, j), false, addr, p);
        else if (__builtin_expect(rt_hybrid_on, 0) && cell)
            rt_hybrid_pair(t, g, mask, cell, *rt_read_mark(w, g, j), false, addr, p);
        if (!cell) gone |= 1u << j;
    }
    if (gone) __atomic_fetch_and(rt_readers(w, g), (uint8_t)~gone, __ATOMIC_RELAXED);
}

/* Bytes that the cell's access covers already: marks are joined only when they say the same place, so that a byte is
 * never laid to another instruction. */
static inline uint32_t same_access(uint32_t mark, uint32_t id, uint32_t cell, uint32_t epoch) {
    return (cell & ~RT_EXACT) == epoch && (mark & ((1u << RT_ID_BITS) - 1u)) == id ? mark >> RT_ID_BITS : 0;
}

static inline bool is_hot(uintptr_t g) {
    return __builtin_expect(rt_report_hot[rt_report_hash(g)] != 0, 0);
}

/* Is a stack worth its price here? */
static inline void hint(struct rt_place *p, uintptr_t g, uint32_t epoch, const struct rt_window *w) {
    uint32_t cell = *rt_write_cell(g);
    p->shared = (cell && rt_slot_of(cell) != rt_slot_of(epoch)) || (p->flags & RT_WRITE && *rt_readers(w, g));
    if (!is_hot(g) || p->hot) return;
    p->hot = true; /* once for a range: its granules have one stack */
    p->id = 0;
}

/* An epoch of the thread's own, of a whole granule, or none. */
static inline bool own_or_none(uint32_t cell, uint32_t epoch) {
    return !cell || !((cell ^ epoch) & ~RT_CLOCK_MASK);
}

/* These bytes were accessed so in this epoch, and nobody has emptied the cell since: bytes of a granule that is shared
 * come here each time. */
static inline bool noted(uint32_t cell, uint32_t mark, uint32_t epoch, uint32_t mask) {
    return (cell & ~RT_EXACT) == epoch && (mark >> RT_ID_BITS & mask) == mask;
}

/* Kept among the last loads, too: another thread may just be finding out what the variable is. */
static void at_atomic(struct rt_tls *t, uintptr_t g, struct rt_place *p) {
    rt_atomic_plain(t, g, p);
    if (plain_mov(p->flags) && p->flags & RT_READ) rt_remember_load(t->slot, g);
}

/* Finding the number of an access may take long: another thread may have found out meanwhile that this is an atomic
 * variable, and its mark must stay. */
static inline bool is_atomic_now(struct rt_tls *t, uintptr_t g, struct rt_place *p) {
    if (__builtin_expect(!rt_is_mark(*(volatile uint32_t *)rt_write_cell(g)), 1)) return false;
    at_atomic(t, g, p);
    return true;
}

/* Into a cell that was empty. False: another thread's write was first, and its cell and mark are there to be looked at. */
static bool store_first(uint32_t *cell, uint32_t *mark, uint32_t epoch, uint32_t id) {
    uint32_t none = 0;
    *mark = id;
    if (!__atomic_compare_exchange_n(cell, &none, epoch, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) return false;
    *(volatile uint32_t *)mark = id; /* another's may have come over it, before its cell came too late */
    return true;
}

static void on_write(
        struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w, struct rt_place *p) {
    if (!(p->flags & RT_FREE) && noted(*rt_write_cell(g), *rt_write_mark(w, g), (uint32_t)t->epoch, mask)) return;
    hint(p, g, (uint32_t)t->epoch, w);
    uint32_t id = rt_history_id(t, p); /* may take long: before the look at the cells */
    uint32_t *cell = rt_write_cell(g), *mark = rt_write_mark(w, g), ep = (uint32_t)t->epoch, old = *cell;
    uint8_t *readers = rt_readers(w, g);
    uint32_t own = 1u << (t->slot->number % RT_READERS);
    bool others = !own_or_none(old, ep) || *readers & ~own;
    if (!old && !others) {
        if (store_first(cell, mark, ep, mask << RT_ID_BITS | id)) {
            uint32_t r = *readers;
            if (r) check_readers(t, g, mask, addr, w, p, r);
            return;
        }
        if (is_atomic_now(t, g, p)) return;
        old = *cell, others = true;
    }
    if (others) check_write(t, g, mask, addr, w, p);
    if (is_atomic_now(t, g, p)) return;
    ep = (uint32_t)t->epoch;
    uint32_t all = mask;
    all |= same_access(*mark, id, old, ep);
    *mark = all << RT_ID_BITS | id;
    __atomic_store_n(cell, !others || all == 15 ? ep : ep | RT_EXACT, __ATOMIC_RELEASE);
    if (others && is_hot(g)) rt_report_touch(t, g, rt_history_get(id)->locks);
    uint32_t r = *readers;
    if (r) check_readers(t, g, mask, addr, w, p, r);
}

/*
 * The thread has written these bytes in this epoch: what races with the read races with the write. The cell only keeps
 * the inline checks quiet; it says nothing (no mark), but a writer empties it like any other.
 */
static inline void read_of_own(uint32_t *cell, uint32_t *mark, uint8_t *readers, uint32_t ep, uint32_t bit) {
    *mark = 0;
    __atomic_store_n(cell, ep, __ATOMIC_RELEASE);
    if (!(*readers & bit)) __atomic_fetch_or(readers, (uint8_t)bit, __ATOMIC_SEQ_CST);
}

/* Threads that share a read region: the other's read, if nothing orders it, moves to a region that is free. Without one
 * there are other readers enough for the next write to be found by. */
static void keep_reader(uintptr_t g, const struct rt_window *w, uint32_t cell, uint32_t mark) {
    for (uint32_t k = 0; k < RT_READERS; k++) {
        if (*rt_readers(w, g) & 1u << k || *rt_read_cell(g, k)) continue;
        *rt_read_mark(w, g, k) = mark;
        __atomic_store_n(rt_read_cell(g, k), cell, __ATOMIC_RELEASE);
        __atomic_fetch_or(rt_readers(w, g), (uint8_t)(1u << k), __ATOMIC_SEQ_CST);
        return;
    }
}

static void on_read(
        struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w, struct rt_place *p) {
    uint32_t j = t->slot->number % RT_READERS, bit = 1u << j;
    uint32_t *cell = rt_read_cell(g, j), *mark = rt_read_mark(w, g, j);
    uint8_t *readers = rt_readers(w, g);
    uint32_t ep = (uint32_t)t->epoch, all = mask;
    if (*rt_write_cell(g) == ep && own_or_none(*cell, ep) && (*rt_write_mark(w, g) >> RT_ID_BITS & mask) == mask) {
        read_of_own(cell, mark, readers, ep, bit);
        if (*(volatile uint32_t *)rt_write_cell(g) == ep) return;
    } else if (noted(*cell, *mark, ep, mask)) {
        return;
    }
    hint(p, g, ep, w);
    uint32_t id = rt_history_id(t, p);
    if (is_atomic_now(t, g, p)) return;
    uint32_t old = *cell, written = *rt_write_cell(g);
    bool others = !own_or_none(written, ep);
    all |= same_access(*mark, id, old, ep);
    if (old && rt_slot_of(old) != rt_slot_of(ep) && unordered(t, old & ~RT_EXACT)) keep_reader(g, w, old, *mark);
    if (*mark != (all << RT_ID_BITS | id)) *mark = all << RT_ID_BITS | id;
    __atomic_store_n(cell, all != 15 && others ? ep | RT_EXACT : ep, __ATOMIC_RELEASE);
    /* A cell in use has its bit, which is in a line of its own: not looked at, unless a writer may just be clearing. */
    const volatile uint32_t *now = rt_write_cell(g);
    bool changed = *now != written;
    if ((!old || changed || (others && unordered(t, written & ~RT_EXACT))) && !(*readers & bit)) {
        __atomic_fetch_or(readers, (uint8_t)bit, __ATOMIC_SEQ_CST);
        changed = *now != written;
    }
    if (others || changed) {
        check_write(t, g, mask, addr, w, p);
        if (is_hot(g)) rt_report_touch(t, g, rt_history_get(id)->locks);
    }
    if (plain_mov(p->flags)) rt_remember_load(t->slot, g);
}

/* ---- two granules at once, where nobody else has been: most of what a thread does is on memory of its own */

static inline bool pair_own_or_none(uint64_t cells, uint64_t epoch) {
    return own_or_none((uint32_t)cells, (uint32_t)epoch) && own_or_none((uint32_t)(cells >> 32), (uint32_t)epoch);
}

static inline uint32_t pair_readers(const struct rt_window *w, uintptr_t g) {
    return *(uint16_t *)rt_readers(w, g);
}

static inline uint64_t pair_mark(uint32_t id) {
    return (uint64_t)(15u << RT_ID_BITS | id) * 0x100000001ull;
}

/* Somebody else came at the same moment: each granule by itself, which a cell that has the epoch already would skip. */
static bool taken_back(uint64_t *cells, uint64_t ep, uint64_t old) {
    __atomic_compare_exchange_n(cells, &ep, old, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    return false;
}

/* False where it is not so simple. */
static bool write_pair(struct rt_tls *t, uintptr_t g, const struct rt_window *w, struct rt_place *p, uint32_t own) {
    if (!p->id) {
        p->shared = p->hot = false;
        rt_history_id(t, p);
    }
    uint64_t ep = t->epoch, *cells = rt_pair(rt_write_cell(g)), old = *cells;
    if (!pair_own_or_none(old, ep) || is_hot(g) || is_hot(g + 4)) return false;
    uint32_t r = pair_readers(w, g);
    if (r && (r & ~(own * 0x101u) || !pair_own_or_none(*rt_pair(rt_read_cell(g, (uint32_t)__builtin_ctz(own))), ep)))
        return false;
    uint64_t *mark = rt_pair(rt_write_mark(w, g));
    *mark = pair_mark(p->id);
    if (old) {
        __atomic_store_n(cells, ep, __ATOMIC_RELEASE);
    } else { /* as store_first */
        if (!__atomic_compare_exchange_n(cells, &old, ep, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) return false;
        *(volatile uint64_t *)mark = pair_mark(p->id);
    }
    return pair_readers(w, g) == r || taken_back(cells, ep, old); /* somebody reads just now */
}

static bool read_pair(struct rt_tls *t, uintptr_t g, const struct rt_window *w, struct rt_place *p, uint32_t j) {
    uint64_t ep = t->epoch, written = *rt_pair(rt_write_cell(g)), *cells = rt_pair(rt_read_cell(g, j)), old = *cells;
    bool own = written == ep && (*rt_pair(rt_write_mark(w, g)) & RT_WHOLE_PAIR) == RT_WHOLE_PAIR; /* as read_of_own */
    if (!own && !p->id) {
        p->shared = p->hot = false;
        rt_history_id(t, p);
    }
    if (!pair_own_or_none(written, ep) || !pair_own_or_none(old, ep) || (!own && (is_hot(g) || is_hot(g + 4))))
        return false;
    *rt_pair(rt_read_mark(w, g, j)) = own ? 0 : pair_mark(p->id);
    __atomic_store_n(cells, ep, __ATOMIC_RELEASE);
    uint32_t bits = 0x101u << j;
    if ((!(uint32_t)old || !(old >> 32)) && (pair_readers(w, g) & bits) != bits)
        __atomic_fetch_or((uint16_t *)rt_readers(w, g), (uint16_t)bits, __ATOMIC_SEQ_CST);
    if (*(volatile uint64_t *)rt_write_cell(g) != written) return taken_back(cells, ep, old);
    if (plain_mov(p->flags)) {
        rt_remember_load(t->slot, g);
        rt_remember_load(t->slot, g + 4);
    }
    return true;
}

/* The lines that the access will need, asked for together: each may be a miss. */
void rt_access_soon(const struct rt_tls *t, uintptr_t addr, uint32_t flags) {
    const struct rt_window *w = rt_window(addr);
    if (!w) return;
    __builtin_prefetch(rt_write_cell(addr), 0);
    if (flags & RT_WRITE) {
        __builtin_prefetch(rt_write_mark(w, addr), 1);
        __builtin_prefetch(rt_readers(w, addr), 0);
    } else if (t->slot) {
        __builtin_prefetch(rt_read_mark(w, addr, t->slot->number % RT_READERS), 1);
    }
}

/* ---- sixteen granules at once, for ranges: g at a multiple of 64 */

enum { BLOCK = 64, PAIRS = BLOCK / 8 };

static inline bool block_is_hot(uintptr_t g) { /* the hashes of a block are a block */
    const uint64_t *hot = (const uint64_t *)(const void *)&rt_report_hot[rt_report_hash(g) & ~15u];
    return (hot[0] | hot[1]) != 0;
}

/* All cells are of the thread's own, or empty. `empty`: also set where one is. */
static inline bool block_own_or_none(const uint64_t *cells, uint64_t epoch, bool *empty) {
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint64_t c = cells[i], foreign = (c ^ epoch) & ~(RT_CLOCK_MASK * 0x100000001ull);
        if (!foreign) continue;
        if (!pair_own_or_none(c, epoch)) return false;
        *empty = true;
    }
    return true;
}

static inline void range_id(struct rt_tls *t, struct rt_place *p) {
    if (p->id) return;
    p->shared = p->hot = false;
    rt_history_id(t, p);
}

static inline void block_store(uint64_t *cells, uint64_t *marks, uint64_t epoch, uint64_t mark) {
    for (uint32_t i = 0; i < PAIRS; i++)
        marks[i] = mark;
    for (uint32_t i = 0; i < PAIRS; i++)
        __atomic_store_n(&cells[i], epoch, __ATOMIC_RELEASE);
}

/* False where it is not so simple, or another thread reads just now: then each pair by itself. */
static bool write_block(struct rt_tls *t, uintptr_t g, const struct rt_window *w, struct rt_place *p) {
    uint64_t *cells = rt_pair(rt_write_cell(g)), ep = t->epoch, old[PAIRS];
    const uint64_t *readers = (const uint64_t *)rt_readers(w, g);
    bool empty = false;
    if (readers[0] | readers[1] || block_is_hot(g) || !block_own_or_none(cells, ep, &empty)) return false;
    range_id(t, p);
    if (t->epoch != ep) return false;
    for (uint32_t i = 0; i < PAIRS; i++)
        old[i] = cells[i];
    block_store(cells, rt_pair(rt_write_mark(w, g)), ep, pair_mark(p->id));
    const volatile uint64_t *again = (const volatile uint64_t *)readers;
    if (!(again[0] | again[1])) return true;
    for (uint32_t i = 0; i < PAIRS; i++)
        taken_back(&cells[i], ep, old[i]);
    return false;
}

/* Where all cells are the thread's own, nobody else has written since (quick.c). */
static bool read_block(struct rt_tls *t, uintptr_t g, const struct rt_window *w, struct rt_place *p, uint32_t j) {
    uint64_t *cells = rt_pair(rt_read_cell(g, j)), ep = t->epoch;
    bool empty = false;
    if (block_is_hot(g) || !block_own_or_none(cells, ep, &empty) || empty) return false;
    range_id(t, p);
    if (t->epoch != ep) return false;
    block_store(cells, rt_pair(rt_read_mark(w, g, j)), ep, pair_mark(p->id));
    return true;
}

static void write_range(struct rt_tls *t, uintptr_t addr, uintptr_t hi, const struct rt_window *w, struct rt_place *p) {
    uint32_t own = 1u << (t->slot->number % RT_READERS);
    for (uintptr_t g = addr & ~3ull; g < hi; g += 4) {
        if (!(g & 63) && g >= addr && hi - g >= 64) {
            g += rt_known_blocks(g, hi, rt_write_cell(g), t->epoch);
            if (g >= hi) break;
            if (hi - g >= BLOCK && write_block(t, g, w, p)) {
                g += BLOCK - 4;
                continue;
            }
        }
        if (!(g & 7) && g >= addr && g + 8 <= hi) {
            if (*rt_pair(rt_write_cell(g)) == t->epoch || write_pair(t, g, w, p, own)) {
                g += 4;
                continue;
            }
        }
        uint32_t cell = *rt_write_cell(g), mask = rt_mask_of(g, addr, hi);
        if (cell == (uint32_t)t->epoch && mask == 15) continue;
        if (__builtin_expect(rt_is_mark(cell), 0))
            at_atomic(t, g, p);
        else
            on_write(t, g, mask, g < addr ? addr : g, w, p);
    }
}

static void read_range(struct rt_tls *t, uintptr_t addr, uintptr_t hi, const struct rt_window *w, struct rt_place *p) {
    uint32_t j = t->slot->number % RT_READERS;
    for (uintptr_t g = addr & ~3ull; g < hi; g += 4) {
        if (!(g & 63) && g >= addr && hi - g >= 64) {
            g += rt_known_blocks(g, hi, rt_read_cell(g, j), t->epoch);
            if (g >= hi) break;
            if (hi - g >= BLOCK && !rt_hybrid_on && ++t->slot->looks % RT_AUDIT && read_block(t, g, w, p, j)) {
                g += BLOCK - 4;
                continue;
            }
        }
        if (!(g & 7) && g >= addr && g + 8 <= hi) {
            if (*rt_pair(rt_read_cell(g, j)) == t->epoch || read_pair(t, g, w, p, j)) {
                g += 4;
                continue;
            }
        }
        uint32_t mask = rt_mask_of(g, addr, hi);
        if (*rt_read_cell(g, j) == (uint32_t)t->epoch && mask == 15) continue;
        if (__builtin_expect(rt_is_mark(*rt_write_cell(g)), 0))
            at_atomic(t, g, p);
        else
            on_read(t, g, mask, g < addr ? addr : g, w, p);
    }
}

void rt_access(struct rt_tls *t, uintptr_t addr, size_t bytes, struct rt_place *p) {
    if (__builtin_expect(t->reacquire != 0, 0)) rt_atomic_reacquire(t);
    t->used = 1;
    uintptr_t hi = addr + bytes;
    while (addr < hi) {
        const struct rt_window *w = rt_window(addr);
        if (__builtin_expect(!w, 0)) {
            if (!(p->flags & RT_RANGE))
                rt_sync_unwatched(t, addr & ~3ull, false, p->flags & RT_WRITE, p->flags & RT_READ);
            return;
        }
        uintptr_t edge = (addr | (RT_WINDOW_SIZE - 1)) + 1, end = hi < edge ? hi : edge;
        if (p->flags & RT_WRITE)
            write_range(t, addr, end, w, p);
        else
            read_range(t, addr, end, w, p);
        addr = end;
    }
}

void rt_access_free(struct rt_tls *t, uintptr_t addr, size_t size, struct rt_place *p) {
    if (size > FREE_MARKED) size = FREE_MARKED; /* large blocks are rarely used after free in their middle first */
    uintptr_t hi = (addr + size) & ~3ull;
    uint32_t own = 1u << (t->slot->number % RT_READERS);
    if (__builtin_expect(t->reacquire != 0, 0)) rt_atomic_reacquire(t);
    t->used = 1;
    addr = (addr + 3) & ~3ull;
    for (uintptr_t g = addr; g < hi; g += 4) {
        const struct rt_window *w = rt_window(g);
        if (!w) return;
        if (!(g & 7) && g + 8 <= hi) {
            bool untouched = !*rt_pair(rt_write_cell(g)) && !pair_readers(w, g);
            if (untouched || write_pair(t, g, w, p, own)) {
                g += 4;
                continue;
            }
        }
        uint32_t cell = *rt_write_cell(g);
        if (!cell && !*rt_readers(w, g)) continue; /* nobody touched it since it was new: nobody is likely to after */
        if (!rt_is_mark(cell)) on_write(t, g, 15, g, w, p);
    }
}
