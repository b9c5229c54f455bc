/*
 * Which malloc block an address is in. One 32-bit cell for every 16 bytes: a block's first cell is START | number of
 * the allocating access (history.c), its second one the size in bytes; the rest of the block is zero.
 */
#include "shadow.h"

#define START 0x80000000u
enum { UNIT = 16, SCAN = 1 << 22, BY_HAND = 1 << 20 };

static uint32_t *cell_of(const struct rt_window *w, uintptr_t a) {
    return (uint32_t *)(w->blocks + ((a & (RT_WINDOW_SIZE - 1)) / UNIT) * sizeof(uint32_t));
}

/* Only the range of cells that a block can have is wiped: older blocks began there. */
static void wipe(uint32_t *cell, size_t cells) {
    if (cells * sizeof *cell < BY_HAND) {
        memset(cell, 0, cells * sizeof *cell);
        return;
    }
    uintptr_t lo = (uintptr_t)cell, hi = lo + cells * sizeof *cell, in = (lo + 4095) & ~4095ull, out = hi & ~4095ull;
    memset((void *)lo, 0, in - lo);
    rt_sys(SYS_madvise, (long)in, (long)(out - in), MADV_DONTNEED, 0, 0, 0);
    memset((void *)out, 0, hi - out);
}

void rt_block_new(uintptr_t addr, size_t size, uint32_t id) {
    const struct rt_window *w = rt_window(addr);
    if (!w || !size || rt_window(addr + size - 1) != w) return;
    uint32_t *c = cell_of(w, addr);
    size_t cells = (size + UNIT - 1) / UNIT;
    if (cells > 2) wipe(c + 2, cells - 2);
    c[0] = START | id;
    if (cells > 1) c[1] = size < START ? (uint32_t)size : START - 1;
}

bool rt_block_find(uintptr_t addr, uintptr_t *start, size_t *size, uint32_t *id) {
    const struct rt_window *w = rt_window(addr);
    if (!w) return false;
    uint32_t *c = cell_of(w, addr), *lowest = (uint32_t *)w->blocks;
    for (uint32_t i = 0; i < SCAN && c >= lowest; i++, c--) {
        if (!(*c & START)) continue;
        *start = (addr & ~(RT_WINDOW_SIZE - 1)) + (uintptr_t)(c - lowest) * UNIT;
        *size = c[1] && !(c[1] & START) ? c[1] : UNIT;
        *id = *c & ~START;
        return addr < *start + *size;
    }
    return false;
}
