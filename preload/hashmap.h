/*
 * A growing hash table from 64-bit keys (not 0) to pointers, in private memory: open addressing with linear probing,
 * removal by shifting back (Knuth, TAOCP 3, 6.4, algorithm R). The caller locks. Old arrays are not given back: their
 * sum is less than the newest.
 */
#ifndef TW_HASHMAP_H
#define TW_HASHMAP_H

#include "sys.h"

struct tw_hashmap {
    struct tw_hashmap_entry {
        uint64_t key;
        void *value;
    } * entries;
    uint32_t mask, count;
};

static inline uint32_t tw_hashmap_home(const struct tw_hashmap *m, uint64_t key) {
    return (uint32_t)tw_sys_mix(key) & m->mask;
}

static inline uint32_t tw_hashmap_find(const struct tw_hashmap *m, uint64_t key) {
    uint32_t i = tw_hashmap_home(m, key);
    while (m->entries[i].key && m->entries[i].key != key)
        i = (i + 1) & m->mask;
    return i;
}

static inline void *tw_hashmap_get(const struct tw_hashmap *m, uint64_t key) {
    return m->entries && key ? m->entries[tw_hashmap_find(m, key)].value : NULL;
}

static inline bool tw_hashmap_grow(struct tw_hashmap *m) {
    uint32_t size = m->entries ? (m->mask + 1) * 2 : 256;
    struct tw_hashmap bigger = {tw_sys_memory(size * sizeof *m->entries), size - 1, m->count};
    if (!bigger.entries) return false;
    for (uint32_t i = 0; m->entries && i <= m->mask; i++)
        if (m->entries[i].key) bigger.entries[tw_hashmap_find(&bigger, m->entries[i].key)] = m->entries[i];
    *m = bigger;
    return true;
}

/* False: no memory; nothing was changed. */
static inline bool tw_hashmap_put(struct tw_hashmap *m, uint64_t key, void *value) {
    if ((!m->entries || (m->count + 1) * 2 > m->mask) && !tw_hashmap_grow(m)) return false;
    uint32_t i = tw_hashmap_find(m, key);
    if (!m->entries[i].key) m->count++;
    m->entries[i].key = key;
    m->entries[i].value = value;
    return true;
}

static inline void tw_hashmap_remove(struct tw_hashmap *m, uint64_t key) {
    if (!m->entries) return;
    uint32_t hole = tw_hashmap_find(m, key);
    if (!m->entries[hole].key) return;
    m->count--;
    for (uint32_t i = (hole + 1) & m->mask; m->entries[i].key; i = (i + 1) & m->mask) {
        uint32_t home = tw_hashmap_home(m, m->entries[i].key);
        if (((i - home) & m->mask) < ((i - hole) & m->mask))
            continue; /* its home lies behind the hole: it may not move */
        m->entries[hole] = m->entries[i];
        hole = i;
    }
    m->entries[hole].key = 0;
    m->entries[hole].value = NULL;
}

static inline void tw_hashmap_clear(struct tw_hashmap *m) {
    *m = (struct tw_hashmap){0};
}

#endif
