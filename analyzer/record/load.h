/* A file's bytes in private memory. Holes cost nothing, so that a huge sparse file cannot ask for huge memory. */
#ifndef TWATCH_LOAD_H
#define TWATCH_LOAD_H

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct load_extent {
    uint64_t from, to;
};
struct load_extents {
    struct load_extent *at;
    size_t n, cap;
};

struct load {
    void *bytes; /* munmap(bytes, mapping_size) */
    uint64_t size;
    size_t mapping_size;
    struct load_extents extents; /* where data is, in order; free with vec_free */
    uint64_t read_ns;            /* CLOCK_MONOTONIC before reading */
    ino_t inode;
};

/* Reads a regular file; never blocks on a fifo or device. False with *err. */
bool load_file(struct load *l, const char *path, struct err *err);

/* Does process `pid` have this file mapped? The only proof that a record belongs to a process that lives. */
bool load_is_mapped_by(int pid, ino_t inode);

#endif
