/* An instrumented module: its trampolines and the tables that go with them, fresh from the emitter or mapped from the
 * cache. */
#ifndef TWATCH_RACE_X86_MODULE_H
#define TWATCH_RACE_X86_MODULE_H

#include "emit.h"

/* Offsets and lengths in the cache file of the parts of a module; in memory the parts lie where pointers say. */
enum x86_part {
    X86_PART_CODE,
    X86_PART_RELOCS,
    X86_PART_SITES,
    X86_PART_PATCHES,
    X86_PART_POINTS,
    X86_PART_BYTES,
    X86_PART_OUT_POINTS,
    X86_PART_OUT_BYTES,
    X86_PARTS
};

struct x86_module {
    uintptr_t bias;
    uint64_t text_addr; /* link-time */
    uint32_t text_size;
    uint32_t number;
    uint64_t text_hash;
    uint64_t origin;    /* link-time address for which the code is written */
    uint8_t *code;      /* the trampolines; the header first */
    uint32_t code_size; /* page-rounded mapping */
    uint32_t first_site;
    const void *part[X86_PARTS];
    uint64_t part_bytes[X86_PARTS];
    struct x86_pcmap copies, outlines;
    struct x86_stats stats;
    uintptr_t low, high; /* of the module at run time */
    int live;            /* its code is mapped */
    int patched;
    char path[];
};

struct x86_state_of_engine {
    struct x86_config config;
    uint32_t nmodules, next_site;
    int ready;
};
extern struct x86_state_of_engine x86_engine;

static inline const struct x86_site_entry *x86_module_sites(const struct x86_module *m) {
    return m->part[X86_PART_SITES];
}
static inline uint32_t x86_module_nsites(const struct x86_module *m) {
    return (uint32_t)(m->part_bytes[X86_PART_SITES] / sizeof(struct x86_site_entry));
}
/*
 * patch.c: who executes the instruction at an offset of .text. Any context. Only where a jump to it was written does a
 * copy stand for the original. A copy of a TAIL run (run.h) runs with the return address of the run's call, at
 * *returns, on the stack already.
 */
enum x86_place { X86_PLACE_ORIGINAL, X86_PLACE_COPY, X86_PLACE_PUSHED };
enum x86_place x86_patch_place(const struct x86_module *m, uint32_t off, uint32_t *returns);
/* Fills copies and outlines from the parts. */
void x86_module_maps(struct x86_module *m);
/* Writes the thunks at the start of the trampolines, which must be writable. */
void x86_module_header(const struct x86_module *m);
/* The module of a site, and of an address in trampolines. Any context. NULL: none. */
struct x86_module *x86_module_of_site(uint32_t site);
struct x86_module *x86_module_of_code(uintptr_t pc);
void x86_say(const char *text);

/* A 64-bit hash of bytes, for detecting change and damage, not malice. */
uint64_t x86_hash(const void *data, size_t bytes, uint64_t seed);

/*
 * cache.c. Both need text_hash, bias and the config. load: fills parts, origin, code, stats and maps the code near the
 * module; 0 or -1. store: best effort; `bytes` of code in use.
 */
int x86_cache_load(struct x86_module *m, const struct x86_image *image);
void x86_cache_store(const struct x86_module *m, const struct x86_image *image);

/* Moves the trampolines to where the module is now. 0, or -1: they are where they were. */
int x86_cache_move(struct x86_module *m, uintptr_t low, uintptr_t high, uintptr_t bias);

/* prune.c: removes the oldest files of the cache while they take more than a gigabyte. */
void x86_cache_prune(int directory);

#endif
