#include "near.h"

#include <sys/mman.h>

struct tw_near tw_near __attribute__((aligned(4096)));
_Static_assert(sizeof(struct tw_near) % 4096 == 0, "tw_near_clear gives whole pages back");

#define COUNTER(table, shift, size) &tw_near.table[address >> (shift) & ((size)-1)]

#define UP(counter, limit)                                                                                             \
    if (*(counter) < (limit)) ++*(counter)
#define DOWN(counter, limit)                                                                                           \
    if (*(counter) > 0 && *(counter) < (limit)) --*(counter)

void tw_near_add(uintptr_t address) {
    UP(COUNTER(units, TW_NEAR_UNIT, TW_NEAR_UNITS), UINT8_MAX);
    UP(COUNTER(granules, TW_NEAR_GRANULE, TW_NEAR_GRANULES), UINT8_MAX);
    UP(COUNTER(blocks, TW_NEAR_BLOCK, TW_NEAR_BLOCKS), UINT16_MAX);
    UP(COUNTER(regions, TW_NEAR_REGION, TW_NEAR_REGIONS), UINT32_MAX);
}

void tw_near_remove(uintptr_t address) {
    DOWN(COUNTER(units, TW_NEAR_UNIT, TW_NEAR_UNITS), UINT8_MAX);
    DOWN(COUNTER(granules, TW_NEAR_GRANULE, TW_NEAR_GRANULES), UINT8_MAX);
    DOWN(COUNTER(blocks, TW_NEAR_BLOCK, TW_NEAR_BLOCKS), UINT16_MAX);
    DOWN(COUNTER(regions, TW_NEAR_REGION, TW_NEAR_REGIONS), UINT32_MAX);
}

void tw_near_clear(void) {
    tw_sys_zero(&tw_near, sizeof tw_near);
}

/* The end of the part of [a, hi) that lies in the same cell of 2^shift bytes. */
static uintptr_t cell_end(uintptr_t a, uintptr_t hi, int shift) {
    uintptr_t end = ((a >> shift) + 1) << shift;
    return end < hi && end > a ? end : hi;
}

/* Eight counters at once where the range covers them: most are zero. Tables are a multiple of eight long, so that no
 * word wraps. */
static uint64_t eight(const uint8_t *counters, size_t i) {
    uint64_t word;
    __builtin_memcpy(&word, counters + i, sizeof word);
    return word;
}

bool tw_near_units(uintptr_t lo, uintptr_t hi) {
    size_t i = lo >> TW_NEAR_UNIT, end = (hi - 1) >> TW_NEAR_UNIT;
    while (i <= end) {
        size_t at = i & (TW_NEAR_UNITS - 1);
        if (at % 8 == 0 && end - i >= 7) {
            if (eight(tw_near.units, at)) return true;
            i += 8;
        } else if (tw_near.units[at]) {
            return true;
        } else {
            i++;
        }
    }
    return false;
}

static bool in_block(uintptr_t lo, uintptr_t hi) {
    for (uintptr_t a = lo, end; a < hi; a = end) {
        size_t at = a >> TW_NEAR_GRANULE & (TW_NEAR_GRANULES - 1);
        end = cell_end(a, hi, TW_NEAR_GRANULE + 3);
        if (at % 8 == 0 && end - a == 8u << TW_NEAR_GRANULE && !eight(tw_near.granules, at)) continue;
        end = cell_end(a, hi, TW_NEAR_GRANULE);
        if (tw_near.granules[at] && tw_near_units(a, end)) return true;
    }
    return false;
}

static bool in_region(uintptr_t lo, uintptr_t hi) {
    for (uintptr_t address = lo, end; address < hi; address = end) {
        end = cell_end(address, hi, TW_NEAR_BLOCK);
        if (*COUNTER(blocks, TW_NEAR_BLOCK, TW_NEAR_BLOCKS) && in_block(address, end)) return true;
    }
    return false;
}

bool tw_near_range(uintptr_t lo, uintptr_t hi) {
    if (hi <= lo) return false;
    if (hi - lo > (uintptr_t)TW_NEAR_REGIONS << TW_NEAR_REGION) return true; /* more than the table has cells */
    if (hi - lo <= 1u << TW_NEAR_BLOCK) return in_region(lo, hi);
    for (uintptr_t address = lo, end; address < hi; address = end) {
        end = cell_end(address, hi, TW_NEAR_REGION);
        if (*COUNTER(regions, TW_NEAR_REGION, TW_NEAR_REGIONS) && in_region(address, end)) return true;
    }
    return false;
}
