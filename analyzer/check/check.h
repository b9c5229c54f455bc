/* Checks: from a model to findings. Adding one is a file with a check_<name>() and a PASS row; a kind of finding is a
 * RULE row (checks.def). */
#ifndef TWATCH_CHECK_H
#define TWATCH_CHECK_H

#include "finding/list.h"
#include "model/model.h"
#include "model/order.h"

enum check_rule_id {
#define RULE(id, ...) RULE_##id,
#include "check/checks.def"
    RULE_COUNT
};

struct check {
    const struct model *m;
    struct finding_list *out;
    struct order *order;
    bool optional;    /* findings of optional kinds too */
    uint32_t group;   /* only incidents of this group; 0: all */
    uint64_t hang_ns; /* a thread that waits longer at the end is worth a note; 0: 10 s */
};

/* Runs all checks. `optional`: with the kinds that are off by default. */
void check_all(const struct model *m, struct finding_list *out, bool optional);

/* Only what the process itself saw under this group number: fast, for the process that hangs. */
void check_group(const struct model *m, struct finding_list *out, uint32_t group);

const struct rule *check_rule(enum check_rule_id id);
/* What is said of a kind at length: check/kinds.def. `code` stands in backquotes. */
struct kind_page {
    const char *when; /* behind the severity; "" nothing */
    const char *meaning, *shows, *remedy;
};
const struct kind_page *check_page(enum check_rule_id id);

const struct rule *check_rule_named(const char *name); /* NULL: no such kind */

/* The threads that wait besides the ones in `out` already: one note with all their stacks. */
void check_bystanders(struct check *c);

#define PASS(function) void check_##function(struct check *c);
#include "check/checks.def"

#endif
