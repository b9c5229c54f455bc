#include "check/check.h"

#include <string.h>

static const struct rule check_rules[] = {
#define RULE(id, name, severity, optional, title, help, advice)                                                        \
    [RULE_##id] = {name, SEVERITY_##severity, title, help, advice, optional},
#include "check/checks.def"
};

static const struct kind_page check_pages[] = {
#define KIND(id, when, meaning, shows, remedy) [RULE_##id] = {when, meaning, shows, remedy},
#include "check/kinds.def"
};
_Static_assert(sizeof check_pages / sizeof *check_pages == RULE_COUNT, "a kind without its row in kinds.def");

const struct kind_page *check_page(enum check_rule_id id) {
    return &check_pages[id];
}

const struct rule *check_rule(enum check_rule_id id) {
    return &check_rules[id];
}

const struct rule *check_rule_named(const char *name) {
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (strcmp(check_rules[i].name, name) == 0) return &check_rules[i];
    return NULL;
}

void check_all(const struct model *m, struct finding_list *out, bool optional) {
    static void (*const passes[])(struct check *) = {
#define PASS(function) check_##function,
#include "check/checks.def"
    };
    struct check c = {.m = m, .out = out, .order = order_new(m), .optional = optional};
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        passes[i](&c);
    order_free(c.order);
}

void check_group(const struct model *m, struct finding_list *out, uint32_t group) {
    struct check c = {.m = m, .out = out, .group = group};
    check_deadlock(&c);
    check_incidents(&c);
    check_bystanders(&c);
}
