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
 * and an edge that was missed so is found by published_since before anything is reported.
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

static uint32_t mask_of(uintptr_t g, uintptr_t lo, uintptr_t hi) {
    uint32_t m = 15;
    if (lo > g) m &= 15u << (lo - g);
    if (hi < g + 4) m &= 15u >> (g + 4 - hi);
    return m;
}

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
static bool published_since(struct rt_tls *t, uint32_t epoch, uintptr_t granule) {
    struct rt_slot *s = t->slot;
    for (uint32_t i = 0; i < RT_RECENT; i++) {
        uintptr_t g = s->recent[i];
        if (!g || g == granule) continue;
        uint32_t cell = *rt_write_cell(g) & ~RT_EXACT;
        if (!cell || rt_is_mark(cell) || rt_slot_of(cell) != rt_slot_of(epoch) || !unordered(t, cell)) continue;
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
    if (published_since(t, old, g)) return false;
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

static void check_write(
        struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w, struct rt_place *p) {
    uint32_t cell = *rt_write_cell(g) & ~RT_EXACT;
    if (cell && unordered(t, cell))
        suspect(t, g, mask, cell, *rt_write_mark(w, g), true, addr, p);
    else if (__builtin_expect(rt_hybrid_on, 0) && cell)
        rt_hybrid_pair(t, g, mask, cell, *rt_write_mark(w, g), true, addr, p);
}

static void check_readers(struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w,
        struct rt_place *p, uint32_t readers) {
    for (uint32_t b = readers; b; b &= b - 1) {
        uint32_t j = (uint32_t)__builtin_ctz(b), cell = *rt_read_cell(g, j) & ~RT_EXACT;
        if (cell && unordered(t, cell))
            suspect(t, g, mask, cell, *rt_read_mark(w, g, j), false, addr, p);
        else if (__builtin_expect(rt_hybrid_on, 0) && cell)
            rt_hybrid_pair(t, g, mask, cell, *rt_read_mark(w, g, j), false, addr, p);
        *rt_read_cell(g, j) = 0; /* the reader's next read must come here and see this write */
    }
}

/* Bytes that the cell's access covers already: marks are joined only when they say the same place, so that a byte is never laid to another instruction. */
static inline uint32_t same_access(uint32_t mark, uint32_t id, uint32_t cell, uint32_t epoch) {
    return (cell & ~RT_EXACT) == epoch && (mark & ((1u << RT_ID_BITS) - 1u)) == id ? mark >> RT_ID_BITS : 0;
}

/* Is a stack worth its price here? */
static inline void hint(struct rt_place *p, uintptr_t g, uint32_t epoch, const struct rt_window *w) {
    uint32_t cell = *rt_write_cell(g);
    p->shared = (cell && rt_slot_of(cell) != rt_slot_of(epoch)) || (p->flags & RT_WRITE && *rt_readers(w, g));
    if (!rt_report_hot[rt_report_hash(g)] || p->hot) return;
    p->hot = true; /* once for a range: its granules have one stack */
    p->id = 0;
}

static void on_write(
        struct rt_tls *t, uintptr_t g, uint32_t mask, uintptr_t addr, const struct rt_window *w, struct rt_place *p) {
    __builtin_prefetch(rt_write_mark(w, g), 1);
    __builtin_prefetch(rt_readers(w, g), 0);
    hint(p, g, (uint32_t)t->epoch, w);
    uint32_t id = rt_history_id(t, p); /* may take long: before the look at the cells */
    uint32_t *cell = rt_write_cell(g), *mark = rt_write_mark(w, g), ep = (uint32_t)t->epoch, old = *cell;
    uint8_t *readers = rt_readers(w, g);
    uint32_t own = 1u << (t->slot->number % RT_READERS);
    bool others = (old && rt_slot_of(old) != rt_slot_of(ep)) || old & RT_EXACT || *readers & ~own;
    if (others) check_write(t, g, mask, addr, w, p);
    ep = (uint32_t)t->epoch;
    uint32_t all = mask;
    all |= same_access(*mark, id, old, ep);
    *mark = all << RT_ID_BITS | id;
    __atomic_store_n(cell, !others || all == 15 ? ep : ep | RT_EXACT, __ATOMIC_RELEASE);
    if (others && __builtin_expect(rt_report_hot[rt_report_hash(g)], 0))
        rt_report_touch(t, g, rt_history_get(id)->locks);
    uint32_t r = *readers;
    if (r) {
        check_readers(t, g, mask, addr, w, p, r);
        *readers = 0;
    }
}

static void remember_load(struct rt_slot *s, uintptr_t g) {
    if (s->recent[(s->nrecent - 1) % RT_RECENT] != g) s->recent[s->nrecent++ % RT_RECENT] = g;
}

/* Threads that share a read region: the other's read, if nothing orders it, moves to a region that is free. Without one there are other
 * readers enough for the next write to be found by. */
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
    hint(p, g, (uint32_t)t->epoch, w);
    uint32_t id = rt_history_id(t, p);
    uint32_t *cell = rt_read_cell(g, j), *mark = rt_read_mark(w, g, j), old = *cell, written = *rt_write_cell(g);
    uint8_t *readers = rt_readers(w, g);
    uint32_t ep = (uint32_t)t->epoch, all = mask;
    bool others = (written && rt_slot_of(written) != rt_slot_of(ep)) || written & RT_EXACT;
    all |= same_access(*mark, id, old, ep);
    if (old && rt_slot_of(old) != rt_slot_of(ep) && unordered(t, old & ~RT_EXACT)) keep_reader(g, w, old, *mark);
    if (*mark != (all << RT_ID_BITS | id)) *mark = all << RT_ID_BITS | id;
    __atomic_store_n(cell, all != 15 && others ? ep | RT_EXACT : ep, __ATOMIC_RELEASE);
    /* A cell in use has its bit, which is in a line of its own: not looked at, unless a writer may just be clearing. */
    bool changed = *(volatile uint32_t *)rt_write_cell(g) != written;
    if ((!old || changed || (others && unordered(t, written & ~RT_EXACT))) && !(*readers & bit))
        __atomic_fetch_or(readers, (uint8_t)bit, __ATOMIC_SEQ_CST);
    if (others || changed) {
        check_write(t, g, mask, addr, w, p);
        if (__builtin_expect(rt_report_hot[rt_report_hash(g)], 0)) rt_report_touch(t, g, rt_history_get(id)->locks);
    }
    if (plain_mov(p->flags)) remember_load(t->slot, g);
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

void rt_access(struct rt_tls *t, uintptr_t addr, size_t bytes, struct rt_place *p) {
    if (__builtin_expect(t->reacquire != 0, 0)) {
        uint32_t n = t->reacquire;
        t->reacquire = 0;
        rt_atomic_acquire(t, n);
    }
    uintptr_t hi = addr + bytes;
    for (uintptr_t g = addr & ~3ull; g < hi; g += 4) {
        const struct rt_window *w = rt_window(g);
        if (__builtin_expect(!w, 0)) {
            if (!(p->flags & RT_RANGE)) rt_sync_unwatched(t, g, false, p->flags & RT_WRITE, p->flags & RT_READ);
            return;
        }
        uint32_t ep = (uint32_t)t->epoch, mask = mask_of(g, addr, hi);
        if (p->flags & RT_WRITE) {
            uint32_t cell = *rt_write_cell(g);
            if (cell == ep && mask == 15) continue;
            if (__builtin_expect(rt_is_mark(cell), 0))
                rt_atomic_plain(t, g, p);
            else
                on_write(t, g, mask, g < addr ? addr : g, w, p);
        } else {
            if (*rt_read_cell(g, t->slot->number % RT_READERS) == ep && mask == 15) continue;
            if (__builtin_expect(rt_is_mark(*rt_write_cell(g)), 0))
                rt_atomic_plain(t, g, p);
            else
                on_read(t, g, mask, g < addr ? addr : g, w, p);
        }
    }
}

void rt_access_free(struct rt_tls *t, uintptr_t addr, size_t size, struct rt_place *p) {
    if (size > FREE_MARKED) size = FREE_MARKED; /* large blocks are rarely used after free in their middle first */
    uintptr_t hi = (addr + size) & ~3ull;
    addr = (addr + 3) & ~3ull;
    for (uintptr_t g = addr; g < hi; g += 4) {
        const struct rt_window *w = rt_window(g);
        if (!w) return;
        uint32_t cell = *rt_write_cell(g);
        if (!cell && !*rt_readers(w, g)) continue; /* nobody touched it since it was new: nobody is likely to after */
        if (!rt_is_mark(cell)) on_write(t, g, 15, g, w, p);
    }
}
