/*
 * Baselines: the findings of an earlier run, by fingerprint. Known ones do not fail a build, new ones do, fixed ones
 * are named. The file is text: a first line "twatch-baseline 1", then one line a finding, "fingerprint kind message",
 * in a fixed order so that it can be kept under version control; lines that start with '#' are comments.
 */
#ifndef TWATCH_BASELINE_H
#define TWATCH_BASELINE_H

#include "base/err.h"
#include "finding/finding.h"

struct baseline;

/* NULL with *err "FILE:LINE: what is wrong" when the file is not there or not a baseline. */
struct baseline *baseline_read(const char *path, struct err *err);
struct baseline *baseline_read_text(const char *name, const char *text, size_t length, struct err *err);
void baseline_free(struct baseline *b);

/* Marks every finding new or known. */
void baseline_apply(struct baseline *b, struct finding *const *findings, size_t n);

/* After baseline_apply: entries that no finding matched, "kind: message (fingerprint)". Good until baseline_free. */
size_t baseline_fixed(struct baseline *b, const char *const **lines);

/* Writes the findings that are not suppressed; the old file stays until the new one is complete. */
bool baseline_write(const char *path, const struct finding *const *findings, size_t n, struct err *err);

#endif
