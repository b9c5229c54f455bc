/*
 * Suppressions: findings that somebody has looked at and does not want to hear of. Three forms in one file:
 *
 * - TSan's lines, unchanged: race:pattern, race_top:, mutex:, thread:, deadlock:, signal:, called_from_lib:
 * - Valgrind's blocks, whose kinds have a counterpart: { name / Helgrind:Race / fun:... obj:... src:... ... }
 * - twatch's own lines: kind key=value ..., with the keys fun src mod top build-id obj thread severity fingerprint
 * reason expires
 *
 * Patterns of the first and the last match anywhere in the text unless anchored with ^ and $, and * stands for any
 * text: sanitizer documentation, "ThreadSanitizer suppressions". Valgrind's match the whole text, with * and ?:
 * Valgrind manual, 2.5. In the own form fun, src, mod and build-id must fit one frame together; mod may end in
 * +0xOFFSET; top is mod for the innermost frame alone; expires=YYYY-MM-DD is the last day that it holds. Patterns for
 * functions may be written for the readable or for the mangled name. '#' starts a comment line.
 *
 * What can be decided from modules and addresses is decided before any symbol is looked up.
 */
#ifndef TWATCH_SUPPRESS_H
#define TWATCH_SUPPRESS_H

#include "base/err.h"
#include "finding/finding.h"
#include "model/model.h"

#include <stdio.h>

struct suppress;

struct suppress_frame { /* one frame; texts NULL when unknown */
    const char *function, *file, *module;
    uint64_t offset;
    const char *linkage; /* the function's mangled name where that is another */
};

/* Frame number `index` (0 innermost, inlined ones count) of a step's place in run `run`; false behind the last. Asked
 * only when needed. */
struct suppress_names {
    bool (*frame)(void *ctx, uint32_t run, uint32_t stack, uint64_t site, size_t index, struct suppress_frame *out);
    void *ctx;
};

/* `rules` are all kinds that exist, for error messages; `today` is year * 10000 + month * 100 + day. */
struct suppress *suppress_new(const struct rule *const *rules, size_t nrules, unsigned today);
void suppress_free(struct suppress *s);

/* Adds a file. False with *err "FILE:LINE: what is wrong" at the first bad line; then nothing of the file is used. */
bool suppress_read(struct suppress *s, const char *path, struct err *err);

/* The same from memory. `name` is for messages and is copied. */
bool suppress_read_text(struct suppress *s, const char *name, const char *text, size_t length, struct err *err);

/* Sets suppressed and suppressed_by of the findings that match. `models` are by run, for raw addresses; an entry may be
 * NULL. */
void suppress_apply(struct suppress *s, struct finding *const *findings, size_t n, const struct model *const *models,
        size_t nmodels, const struct suppress_names *names);

/* What was read, for print_suppressions and for naming those that matched nothing. */
struct suppress_entry {
    const char *text;  /* "deadlock:transfer", or a block's name */
    const char *place; /* "bank.supp:3" */
    uint64_t matched;
    bool expired;
    bool inert; /* of a kind that has no counterpart here: can never match */
};
size_t suppress_count(const struct suppress *s);
struct suppress_entry suppress_at(const struct suppress *s, size_t i);

/* Writes a suppression that covers this finding, ready to paste, with the sentence it is about. */
void suppress_generate(FILE *out, const struct finding *f, const struct model *m, const struct suppress_names *names);

#endif
