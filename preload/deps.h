/* Lock dependencies: "took B while holding A", each distinct one once with a count (UNDEAD, Zhou et al., ASE 2017). Inside the guard; only the calling thread's table is touched. */
#ifndef TW_DEPS_H
#define TW_DEPS_H

#include "object.h"
#include "thread.h"

/* What names a dependency as long as no object dies: the wanted lock's address, tags, mode and site, of each held lock the address and mode, the thread's
   segment, and the epoch of objects. Two of them share a key once in 2^64; the second one would then be lost. Never 0. */
static inline uint64_t tw_deps_key(const struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t site, uint32_t epoch) {
    uint64_t h = (address ^ (uint64_t)tags << 48 ^ (uint64_t)mode << 56) * 0x9e3779b97f4a7c15ull + site * 0xbf58476d1ce4e5b9ull +
            ((uint64_t)epoch << 32 | t->desc->segment) * 0xd6e8feb86659fd93ull;
    uint64_t held = 0; /* products that do not wait for each other: this stands between two locks of the program */
    for (uint32_t i = 0; i < t->slot->nheld; i++) held = (held + (t->held[i].address ^ (uint64_t)t->held[i].mode << 56)) * 0x94d049bb133111ebull;
    h += held;
    h = (h ^ h >> 32) * 0xff51afd7ed558ccdull;
    return (h ^ h >> 29) | 1;
}

/*
 * Two lines may hold a key: that of the outermost held lock, where all that is wanted under it stand together, so that a program with thousands of small
 * locks has one cache miss for each of those and not one for each lock inside; and that of the key itself, for what has no room there.
 */
static inline struct tw_seen *tw_deps_line(const struct tw_thread *t, uint64_t key) { return &t->seen[key >> t->seen_shift]; }
static inline struct tw_seen *tw_deps_outer_line(const struct tw_thread *t, uintptr_t outermost) {
    return tw_deps_line(t, (outermost >> 3) * 0x9e3779b97f4a7c15ull);
}
static inline bool tw_deps_line_has(const struct tw_seen *line, uint64_t key) {
    const uint64_t *k = line->key; /* all at once: a key has no usual place */
    return (k[0] == key) | (k[1] == key) | (k[2] == key) | (k[3] == key) | (k[4] == key) | (k[5] == key) | (k[6] == key) | (k[7] == key);
}

/* The key for tw_deps_seen. 0: not among those that are kept. */
enum { TW_SEEN_OUTER = 4, TW_SEEN_SAMPLE = 256 };
static inline uint64_t tw_deps_ask(const struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t site) {
    uint32_t n = t->slot->nheld;
    if (!t->seen || n == 0 || n > TW_SEEN_OUTER) return 0;
    return tw_deps_key(t, address, tags, mode, site, tw_object_epoch);
}

/* True: the dependency stands in the record already, with all that there is to say of it. One sighting in TW_SEEN_SAMPLE is false in any case, and stands for
   all when it is counted. */
static inline bool tw_deps_seen(struct tw_thread *t, uint64_t key) {
    if (!key || !t->seen || t->slot->nheld == 0) return false;
    if (!tw_deps_line_has(tw_deps_outer_line(t, t->held[0].address), key) && !tw_deps_line_has(tw_deps_line(t, key), key)) return false;
    return ++t->seen_hits < TW_SEEN_SAMPLE;
}
/* The lock was just taken with nothing else held, and others are usually taken inside. */
static inline void tw_deps_soon(const struct tw_thread *t, uintptr_t outermost) {
    if (t->seen) __builtin_prefetch(tw_deps_outer_line(t, outermost));
}

/* The lock in `inner` (not yet in the held array) was taken while the held array is not empty. Captures its stack if it is a new dependency. */
void tw_deps_record(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa);
/* The thread ended: its table may serve another thread. */
void tw_deps_release(struct tw_thread *t);
/* In the child of a fork: free tables still write into the parent's record, which is unmapped here. */
void tw_deps_forked(void);
#endif
