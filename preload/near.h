/*
 * "Was there ever an object in this range?", asked at every free. Counters at four scales, indexed by address without
 * hashing, so that neighbouring blocks share cache lines; a table is smaller than memory, so that a far address may
 * answer for this one: a yes may be wrong, a no is certain. Counters that reach their limit stay there. Changed under
 * the object table's lock, read by anybody.
 *
 *     unit      16 bytes   an object begins here
 *     granule    1 KiB     asked first for small blocks
 *     block     64 KiB     asked first for larger ones
 *     region     4 MiB
 */
#ifndef TW_NEAR_H
#define TW_NEAR_H

#include "sys.h"

enum {
    TW_NEAR_UNIT = 4,
    TW_NEAR_GRANULE = 10,
    TW_NEAR_BLOCK = 16,
    TW_NEAR_REGION = 22,
    TW_NEAR_UNITS = 1 << 18,
    TW_NEAR_GRANULES = 1 << 17,
    TW_NEAR_BLOCKS = 1 << 14,
    TW_NEAR_REGIONS = 1 << 12
};
struct tw_near {
    uint8_t units[TW_NEAR_UNITS];
    uint8_t granules[TW_NEAR_GRANULES];
    uint16_t blocks[TW_NEAR_BLOCKS];
    uint32_t regions[TW_NEAR_REGIONS];
};
extern struct tw_near tw_near;

static inline uint8_t tw_near_granule(uintptr_t a) {
    return tw_near.granules[a >> TW_NEAR_GRANULE & (TW_NEAR_GRANULES - 1)];
}
static inline uint8_t tw_near_unit(uintptr_t a) {
    return tw_near.units[a >> TW_NEAR_UNIT & (TW_NEAR_UNITS - 1)];
}

void tw_near_add(uintptr_t address);
void tw_near_remove(uintptr_t address);
void tw_near_clear(void);
/* For any range; time in proportion to its size / 4 MiB where there is nothing. */
bool tw_near_range(uintptr_t lo, uintptr_t hi);

bool tw_near_units(uintptr_t lo, uintptr_t hi); /* lo < hi, at most some KiB */

static inline bool tw_near_any(uintptr_t lo, uintptr_t hi) {
    if (TW_UNLIKELY(hi - lo - 1 >= 1u << TW_NEAR_GRANULE)) return tw_near_range(lo, hi); /* empty ranges too */
    return (tw_near_granule(lo) | tw_near_granule(hi - 1)) && tw_near_units(lo, hi);
}

#endif
