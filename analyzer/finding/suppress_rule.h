/* Inside suppress: one rule. */
#ifndef TWATCH_SUPPRESS_RULE_H
#define TWATCH_SUPPRESS_RULE_H

#include "base/arena.h"
#include "base/vec.h"
#include "finding/suppress.h"

enum suppress_form { SUPPRESS_TSAN, SUPPRESS_VALGRIND, SUPPRESS_OWN };

enum suppress_line_kind { SUPPRESS_FUN, SUPPRESS_OBJ, SUPPRESS_SRC, SUPPRESS_ANY /* "..." */ };

struct suppress_line { /* of a Valgrind block */
    enum suppress_line_kind kind;
    const char *pattern;
    uint32_t line; /* src:file:line; 0 any */
};

struct suppress_rule {
    enum suppress_form form;
    const char *const *kinds; /* NULL-terminated names of findings; kinds[0] "*" stands for all */
    const char *pattern;      /* TSan */
    bool top_only;            /* TSan race_top, called_from_lib: the innermost frame alone */
    bool modules_only;        /* TSan called_from_lib */
    const struct suppress_line *lines;
    size_t nlines;
    const char *fun, *src, *mod, *obj, *thread, *fingerprint, *severity; /* own; NULL not given */
    bool mod_top; /* own: mod was given as top=, for the innermost frame alone */
    uint64_t offset;
    bool has_offset;
    const uint8_t *build_id; /* a prefix of the module's */
    size_t build_id_len;
    unsigned expires; /* as today; 0 never */
    struct suppress_entry entry;
};

struct suppress {
    struct arena arena;
    const struct rule *const *rules;
    size_t nrules;
    unsigned today;
    VEC(struct suppress_rule) all;
};

/* Does `pattern` match: `anchored` the whole text with * and ?, otherwise anywhere unless ^ and $ say so, with *. */
bool suppress_glob(const char *pattern, const char *text, bool anchored);

/* Kinds of findings for a TSan type or a Valgrind "Tool:Kind"; NULL unknown, an empty list for those without a
 * counterpart. */
const char *const *suppress_tsan_kinds(const char *type);
const char *const *suppress_valgrind_kinds(const char *tool, const char *kind);

#endif
