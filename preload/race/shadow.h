/*
 * Shadow memory. A granule is 4 bytes of the program. Its write epoch and its read epochs are 32-bit cells that checks
 * in the program's own code read, so they are found by one XOR:
 *
 *     write cell    a ^ RT_WRITE_KEY          (bit 45)
 *     read cell j   a ^ rt_read_key[j]        (bits 42, 44, 45), region j = slot % RT_READERS
 *
 * Each key also flips some of bits 12 to 15, differently for each region. AMD processors find the way of a first-level
 * cache set by a hash of address bits 12 to 27 (Lipp and others, Take A Way, ASIACCS 2020): lines whose addresses agree
 * in the low 28 bits, as a datum's and its cells' would, throw each other out. (Two threads on a hash table of 2 MB:
 * 6.8 s of CPU before, 4.4 after.)
 *
 * The eight numbers {0, write key, six read keys} are a group under XOR in their high bits, so the images of a 1 TiB
 * window of addresses are the other members of its coset: two windows can be watched together whenever they differ
 * outside those bits, which 0x00, 0x55, 0x56, and 0x7c to 0x7f do (program, brk heap, mmap area and stacks). What only
 * the slow path needs (access numbers with byte masks, which readers exist, malloc blocks) is found through a table by
 * window.
 *
 * A window is mapped when the first memory in it is seen: at the start from /proc/self/maps, later from mmap and from
 * faults in checks (rt_shadow_fault). A window that cannot be watched is left out: its checks read zeros, its slow path
 * returns.
 */
#ifndef TWATCH_RACE_SHADOW_H
#define TWATCH_RACE_SHADOW_H

#include "rt.h"

enum { RT_WRITE_BIT = 45, RT_WINDOW_BITS = 40, RT_WINDOWS = 128 };
#define RT_WRITE_KEY (1ull << RT_WRITE_BIT)
#define RT_WINDOW_SIZE (1ull << RT_WINDOW_BITS)
#define RT_SPREAD(n) ((uintptr_t)(n) << 12) /* n: 1 to 6 read cells, 7 write marks, 9 to 14 read marks */
#define RT_SPREAD_BLOCK (1ull << 16)        /* what RT_SPREAD moves stays in its block */

struct rt_window {
    uintptr_t marks[1 + RT_READERS]; /* added to the address ^ RT_SPREAD(7), of reader j ^ RT_SPREAD(9 + j): u32 (mask
                                        << 28 | access number) */
    uintptr_t readers;               /* + (offset >> 2): u8, bit j: read cell j is in use */
    uintptr_t blocks;                /* + (offset >> 4) * 4: u32, see block.c */
};

extern struct rt_window rt_windows[RT_WINDOWS]; /* readers == 0: not watched */
extern const uint64_t rt_read_key[RT_READERS];

static inline struct rt_window *rt_window(uintptr_t a) {
    if (a >> 47) return NULL;
    struct rt_window *w = &rt_windows[a >> RT_WINDOW_BITS];
    return __builtin_expect(w->readers != 0, 1) ? w : NULL;
}
static inline uint32_t *rt_write_cell(uintptr_t g) {
    return (uint32_t *)(g ^ RT_WRITE_KEY);
}
static inline uint32_t *rt_read_cell(uintptr_t g, uint32_t j) {
    return (uint32_t *)(g ^ rt_read_key[j]);
}
static inline uint32_t *rt_write_mark(const struct rt_window *w, uintptr_t g) {
    return (uint32_t *)((g ^ RT_SPREAD(7)) + w->marks[0]);
}
static inline uint32_t *rt_read_mark(const struct rt_window *w, uintptr_t g, uint32_t j) {
    return (uint32_t *)((g ^ RT_SPREAD(9 + j)) + w->marks[1 + j]);
}
static inline uint8_t *rt_readers(const struct rt_window *w, uintptr_t g) {
    return (uint8_t *)(w->readers + ((g & (RT_WINDOW_SIZE - 1)) >> 2));
}

/* Which bytes of the granule at g lie in [lo, hi). Inlined in any case: the short way may spill nothing. */
static inline __attribute__((always_inline)) uint32_t rt_mask_of(uintptr_t g, uintptr_t lo, uintptr_t hi) {
    uint32_t m = 15;
    if (lo > g) m &= 15u << (lo - g);
    if (hi < g + 4) m &= 15u >> (g + 4 - hi);
    return m;
}

/* Two granules at once: g at a multiple of 8. */
static inline uint64_t *rt_pair(uint32_t *cell) {
    return (uint64_t *)cell;
}
#define RT_WHOLE_PAIR 0xf0000000f0000000ull /* of two marks: all bytes */

enum { RT_SAME_KEY = 1 << 12 }; /* cells of so many bytes lie as their bytes do */

/* How many bytes from g, at a multiple of 64 and at most to hi, need nothing: their cells, which start at `cell`, are
 * of the epoch. */
static inline uintptr_t rt_known_blocks(uintptr_t g, uintptr_t hi, const uint32_t *cell, uint64_t epoch) {
    uintptr_t from = g;
    const uint64_t *c = (const uint64_t *)cell;
    for (; hi - g >= 64 && g < (from | (RT_SAME_KEY - 1)); g += 64, c += 8) {
        uint64_t a = (c[0] ^ epoch) | (c[1] ^ epoch) | (c[2] ^ epoch) | (c[3] ^ epoch);
        uint64_t b = (c[4] ^ epoch) | (c[5] ^ epoch) | (c[6] ^ epoch) | (c[7] ^ epoch);
        if (a | b) break;
    }
    return g - from;
}

/* A granule read by a single mov. */
static inline __attribute__((always_inline)) void rt_remember_load(struct rt_slot *s, uintptr_t g) {
    if (s->recent[(s->nrecent - 1) % RT_RECENT] != g) s->recent[s->nrecent++ % RT_RECENT] = g;
}

enum { RT_AUDIT = 32 }; /* one read in so many looks for writes though it need not: see quick.c */

/* Maps the windows of everything that is mapped now. NULL, or a constant text why there can be no shadow. */
const char *rt_shadow_start(uintptr_t *stack_end); /* *stack_end: of the mapping that the caller's stack is in */
/* Makes sure that [addr, addr+size) is watched where it can be. Any thread. */
void rt_shadow_cover(uintptr_t addr, size_t size);
/* Where a reservation of this size lies best, as a hint to the kernel; 0: anywhere. */
uintptr_t rt_shadow_place(size_t size);
/* A fault at addr in a check: true if it was missing shadow and can be read now. False: the program's own memory lies
 * there, or no memory can. */
bool rt_shadow_fault(uintptr_t addr);
/* Forgets everything about [lo, hi). */
void rt_shadow_clear(uintptr_t lo, uintptr_t hi);
/* Zeroes all shadow (reset of the clocks). */
void rt_shadow_wipe(void);

#endif
