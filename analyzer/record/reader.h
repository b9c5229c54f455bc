/*
 * Reading one record, trusting nothing in it. The file is copied into private memory (a writer, or an enemy, may change
 * or cut it while it is read), checked once, and split into chunks; ids and elements are the model's business. Memory:
 * the bytes of the file that are not holes.
 */
#ifndef TWATCH_READER_H
#define TWATCH_READER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_chunk {
    uint16_t kind;
    uint32_t first_id;
    uint32_t elem_size; /* 0: variable */
    uint32_t owner;
    uint32_t used;   /* whole elements only, for fixed kinds; inside the file */
    uint32_t room;   /* bytes behind the head that are there: HELD arrays are used in place, whatever `used` says */
    uint64_t offset; /* of data, in the file */
    const unsigned char *data;
};

struct record {
    char *path;
    const unsigned char *base; /* size bytes */
    uint64_t size;
    struct twatch_header header; /* a copy of the first page */
    VEC(struct record_chunk) chunks;
    VEC(char *) notes;  /* sentences: what is damaged or missing, with offsets */
    bool live;          /* the process that writes it was still there when it was read */
    uint64_t read_ns;   /* CLOCK_MONOTONIC when it was read; 0: from memory */
    uint64_t killed_ns; /* set by a caller who knows when the process was killed; 0 unknown */
    void *mapping;
    size_t mapping_size;
    uint64_t scanned; /* chunks were looked for up to here */
    size_t nbroken;   /* notes that were not kept because there were too many */
};

/* Reads the file at `path`. False with *err (text and, where it applies, offset) when it is no record at all or cannot
 * be read. */
bool record_open(struct record *r, const char *path, struct err *err);

/* The same from memory, which must outlive the record: for tests and fuzzing. */
bool record_from_memory(struct record *r, const void *bytes, size_t size, const char *name, struct err *err);

void record_close(struct record *r);

/* Adds a sentence to notes; beyond the first 20 it only counts. Used by the model too. */
void record_note(struct record *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Goes through the elements of a variable-size chunk: NULL at the end. *at starts at 0. An element with an impossible
 * size ends the walk with a note. `minimum` is the size of the fixed part. The size is at the start of each element.
 */
const void *record_next(struct record *r, const struct record_chunk *c, uint32_t *at, uint32_t minimum);

#endif
