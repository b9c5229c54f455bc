/* Inside symbol/: what struct symbol_cache and struct symbols are made of. */
#ifndef TWATCH_SYMBOL_CACHE_H
#define TWATCH_SYMBOL_CACHE_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/vec.h"
#include "symbol/symbol.h"
#include "symbol/symfile.h"

struct source;

struct cache_file { /* key: path, NUL, build-id */
    struct symfile *file;
    char *key;
    UT_hash_handle hh;
};

struct symbol_cache {
    struct arena arena;
    struct symbol_options options;
    struct cache_file *files;
    struct source *source;
};

/* The file of a module, opened at the first call. */
struct symfile *cache_file(struct symbol_cache *cache, const struct symbol_module *module);

struct symbols_pc_key {
    uint64_t pc;
    uint32_t seq; /* of the module's loading: the same address may have been another module before */
    uint32_t precise;
};

struct symbols_pc { /* one address, looked up */
    struct symbols_pc_key key;
    struct symbol_trace trace;
    UT_hash_handle hh;
};

struct symbols_stack {
    uint32_t id;
    struct symbol_trace trace;
    const char *fingerprint_key;
    UT_hash_handle hh;
};

struct symbols_data {
    uint64_t address;
    int module;
    const struct symbol_data *data; /* NULL: looked for and not found */
    UT_hash_handle hh;
};

struct symbols {
    struct symbol_cache *cache;
    struct symbol_source source;
    struct symbol_module *modules;
    struct symfile **files; /* one a module; NULL not opened yet */
    struct arena arena;
    struct symbols_pc *pcs;
    struct symbols_stack *stacks;
    struct symbols_data *data;
};

#endif
