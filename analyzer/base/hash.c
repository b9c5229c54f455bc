#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t hash_seed(void) {
    static uint64_t seed;
    if (!seed) {
        if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) seed = (uint64_t)time(NULL);
        seed |= 1;
    }
    return seed;
}

uint64_t hash_bytes(const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    uint64_t h = hash_seed() ^ length;
    for (; length >= 8; p += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = hash_u64(h ^ word) + 0x9e3779b97f4a7c15ull;
    }
    uint64_t tail = 0;
    if (length) memcpy(&tail, p, length);
    return hash_u64(h ^ tail);
}
