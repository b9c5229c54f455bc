/* Threads that wait, into one finding: shared by what the process saw itself (deadlock.c) and what its last state shows
 * (waits.c). */
#ifndef TWATCH_WAITING_H
#define TWATCH_WAITING_H

#include "check/check.h"

struct waiting {
    uint32_t thread;
    uint32_t object;       /* waited for; 0: a join */
    uint32_t stack;        /* of the wait */
    uint32_t holder;       /* thread that holds the object, or that is joined; 0 nobody known */
    uint32_t holder_stack; /* where it took the object */
    bool joins;
    uint8_t mode;       /* enum twatch_mode wanted */
    uint64_t since_ns;  /* 0 unknown */
    uint64_t waited_ns; /* 0: from since_ns to the end */
    const char *note;   /* "the owner has ended"; NULL */
};

/* One finding over these waits, in their order turned to a circle where they make one. `prefix` starts the sentence
 * ("killed while "); NULL none. */
struct finding *waiting_report(
        struct check *c, enum check_rule_id rule, const struct waiting *waits, size_t n, const char *prefix);

#endif
