/* Inside join: the tables between reading records and writing the joined one. */
#ifndef TWATCH_JOIN_TABLE_H
#define TWATCH_JOIN_TABLE_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "record.h"

#include <stdbool.h>

/* Everything is found by its bytes: an entry's id is its place in the order of arrival, from 1. */
struct join_entry {
    uint32_t id;
    const void *bytes;
    size_t length;
    void *value;
    UT_hash_handle hh;
};

struct join_intern {
    struct join_entry *table; /* in the order of arrival */
    uint32_t n;
};

struct join_dep { /* value of an entry whose bytes are the wanted class, modes, flags and held classes */
    struct twatch_dep *dep; /* with its held set */
    bool others; /* than main threads did it */
    uint8_t *runs;
    size_t nruns; /* bytes */
};

struct join {
    struct arena arena;
    struct join_intern strings; /* text with its NUL */
    struct join_intern modules; /* path, NUL, build-id; value: struct twatch_module */
    struct join_intern stacks;  /* struct twatch_stack without id */
    struct join_intern objects; /* struct twatch_object */
    struct join_intern deps;    /* value: struct join_dep */
    struct join_intern runs;    /* cookie; id - 1 is the run's number */
    VEC(const char *) run_lines;
};

/* The entry with these bytes, made when it is new (*made, may be NULL). The bytes are copied. */
struct join_entry *join_intern(struct join *j, struct join_intern *t, const void *bytes, size_t length, bool *made);

uint32_t join_string(struct join *j, const char *text);

#endif
