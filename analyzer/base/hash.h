/*
 * uthash, and the only place that includes it. Its memory comes from mem_new(), which never returns NULL, so its own
 * fatal path cannot be reached. Keys come from untrusted files: hash_bytes() is seeded once per process, so that nobody
 * can prepare a file of colliding names.
 */
#ifndef TWATCH_HASH_H
#define TWATCH_HASH_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define uthash_malloc(size) mem_new(1, (size))
#define uthash_free(ptr, size) free(ptr)
#define uthash_fatal(message) mem_out()
#define HASH_FUNCTION(key, length, hashv) ((hashv) = (unsigned)hash_bytes((key), (length)))

/* 64 bits over any bytes, seeded per process. */
uint64_t hash_bytes(const void *bytes, size_t length);

/* Mixes one number; not seeded: for tables that probe a bounded number of steps. */
static inline uint64_t hash_u64(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    return x ^ (x >> 32);
}

#include <uthash.h>

#endif
