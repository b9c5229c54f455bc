/*
 * The record reader and everything behind it under fuzzing: any bytes must give an error or a model that all checks
 * survive, in bounded time and memory. With libFuzzer this is LLVMFuzzerTestOneInput; without it (-DSTANDALONE) a
 * driver that mutates the records it is given: flips, copies, stretches, with a taste for the numbers that matter.
 */
#include "check/check.h"
#include "record/reader.h"
#include "role/role.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct record r;
    struct err err = {0};
    struct model m;
    struct finding_list list = {0};
    uint8_t *copy = aligned_alloc(4096, (size + 4096) & ~(size_t)4095);
    if (!copy) return 0;
    memcpy(copy, data, size);
    if (record_from_memory(&r, copy, size, "fuzz", &err)) {
        model_build(&m, &r);
        check_all(&m, &list, true);
        role_build(&m, &m.arena);
        list_sort(&list);
        list_free(&list);
        model_free(&m);
        record_close(&r);
    } else if (!err.text[0]) {
        abort(); /* refused without a word */
    }
    free(copy);
    return 0;
}

#ifdef STANDALONE
static uint64_t state = 1;
static uint32_t rnd(uint32_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)((state >> 16) % n);
}

static void mutate_number(uint8_t *at) {
    static const uint64_t odd[] = {
            0, 1, 2, 3, 7, 8, 0xff, 0xffff, 0x7fffffff, 0xffffffff, 0xffffffffffffffff, 4096, 1u << 20};
    uint64_t v = odd[rnd(sizeof odd / sizeof *odd)];
    memcpy(at, &v, 1u << rnd(4));
}

static void mutate(uint8_t *data, size_t size) {
    for (uint32_t n = 1 + rnd(12); n; n--) {
        /* Elements are where bytes are: look for a place that is not empty. */
        size_t at = 0;
        for (int tries = 0; tries < 50 && !data[at]; tries++)
            at = rnd((uint32_t)(size - 8));
        switch (rnd(5)) {
        case 0:
            data[at] ^= (uint8_t)(1u << rnd(8));
            break;
        case 1:
            mutate_number(data + (at & ~(size_t)3));
            break;
        case 2:
            data[at] = (uint8_t)(data[at] + 1 + rnd(3));
            break;
        case 3:
            memmove(data + rnd((uint32_t)(size - 64)), data + (at < size - 64 ? at : 0), 64);
            break;
        default: { /* a whole page over another: duplicated chunks */
            size_t pages = size / 4096;
            memcpy(data + rnd((uint32_t)pages) * 4096u, data + rnd((uint32_t)pages) * 4096u, rnd(4) ? 8 : 4096);
        }
        }
    }
}

int main(int argc, char **argv) {
    uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    for (int i = 2; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) return 1;
        fseek(f, 0, SEEK_END);
        size_t size = (size_t)ftell(f);
        rewind(f);
        uint8_t *seed = malloc(size), *data = malloc(size);
        if (!seed || !data || fread(seed, 1, size, f) != size) return 1;
        fclose(f);
        for (uint32_t k = 0; k < rounds; k++) {
            memcpy(data, seed, size);
            state = ((uint64_t)i << 32 | k) * 0x9e3779b97f4a7c15ull + 1;
            if (k) mutate(data, size);
            LLVMFuzzerTestOneInput(data, k % 16 == 15 ? rnd((uint32_t)size) : size);
        }
        free(seed);
        free(data);
    }
    return 0;
}
#endif
