/*
 * One ELF file of the watched program with its debug information: found on disk, checked against the record's build-id,
 * and opened once for all records of a report. Addresses here are link addresses (run-time address minus the module's
 * bias).
 */
#ifndef TWATCH_SYMFILE_H
#define TWATCH_SYMFILE_H

#include "symbol/symbol.h"

#include <elfutils/libdw.h>
#include <gelf.h>

struct arena;
struct code;
struct data;

struct symfile_symbol {
    uint64_t address, size;
    const char *name; /* points into the ELF file */
    bool data, local;
};

struct symfile {
    const char *path;
    struct arena *arena; /* the cache's */
    enum symbol_state state;
    const char *why; /* sentence; NULL when all is there */
    int fd, debug_fd;
    Elf *elf, *debug_elf;           /* debug_elf NULL: no separate file */
    Dwarf *dwarf;                   /* NULL none */
    struct symfile_symbol *symbols; /* sorted by address */
    size_t nsymbols;
    uint64_t tls_offset; /* of the executable's TLS block below the thread pointer; 0 none */
    struct code *code;   /* code.h; made at the first look-up */
    struct data *data;   /* data.h */
};

/* Opens `path`; the result is never NULL, its state says what was found. Never blocks on a path that is a pipe or a
 * device. */
struct symfile *symfile_open(struct arena *arena, const char *path, const uint8_t *build_id, size_t build_id_len,
        const struct symbol_options *options);
void symfile_close(struct symfile *file);

/* The symbol that covers `address` (or, for one without size, the nearest before it); NULL none. */
const struct symfile_symbol *symfile_find(const struct symfile *file, uint64_t address, bool data);

#endif
