/*
 * Ranges of which nothing is to be said: the cells have the epoch, or the thread reads what it wrote in it.
 *
 * Of a part of a granule that one thread alone uses, the cell is asked and not the mark, as in the inline checks: the
 * pieces of a text lie side by side in it and are read in turn, and each would take the other's place. One in RT_AUDIT
 * of them is noted all the same.
 */
#include "shadow.h"

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS bool granule_known(struct rt_tls *t, const struct rt_window *w, uintptr_t g, uint32_t mask, bool is_write) {
    uint32_t ep = (uint32_t)t->epoch, written = *rt_write_cell(g);
    if ((is_write ? written : *(uint32_t *)(g ^ t->read_key)) == ep) return mask == 15 || ++t->slot->looks % RT_AUDIT;
    return !is_write && written == ep && (*rt_write_mark(w, g) >> RT_ID_BITS & mask) == mask;
}

ALWAYS bool pair_known(const struct rt_tls *t, const struct rt_window *w, uintptr_t g, bool is_write) {
    uint64_t ep = t->epoch, written = *rt_pair(rt_write_cell(g));
    if ((is_write ? written : *(uint64_t *)(g ^ t->read_key)) == ep) return true;
    return !is_write && written == ep && (*rt_pair(rt_write_mark(w, g)) & RT_WHOLE_PAIR) == RT_WHOLE_PAIR;
}

ALWAYS bool all_known(struct rt_tls *t, const struct rt_window *w, uintptr_t addr, uintptr_t hi, bool is_write) {
    uintptr_t g = addr & ~3ull, last = (hi - 1) & ~3ull;
    if (!granule_known(t, w, last, rt_mask_of(last, addr, hi), is_write)) return false; /* what is new is behind */
    if (g == last) return true;
    if (!granule_known(t, w, g, rt_mask_of(g, addr, hi), is_write)) return false;
    for (g += 4; g < last; g += 4) {
        if (!(g & 63)) g += rt_known_blocks(g, last, is_write ? rt_write_cell(g) : (uint32_t *)(g ^ t->read_key), t->epoch);
        if (!(g & 7) && g + 8 <= last) {
            if (!pair_known(t, w, g, is_write)) return false;
            g += 4;
        } else if (g < last && !granule_known(t, w, g, 15, is_write)) {
            return false;
        }
    }
    return true;
}

bool rt_access_known(struct rt_tls *t, uintptr_t addr, size_t bytes, bool is_write) {
    const struct rt_window *w = rt_window(addr);
    if (!w || !t->slot || t->reacquire || rt_window(addr + bytes - 1) != w) return false;
    return is_write ? all_known(t, w, addr, addr + bytes, true) : all_known(t, w, addr, addr + bytes, false);
}
