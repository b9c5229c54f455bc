/*
 * A finding is a plain value: what is wrong, who is involved, where. Checks make them, reports print them; neither knows the other.
 * Threads, objects and stacks are ids in the record of run `run`; names were put in by the check through the model's namer, so that a
 * printer only resolves stacks (symbol/). All memory belongs to the arena of the finding list.
 */
#ifndef TWATCH_FINDING_H
#define TWATCH_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };
enum confidence { CONFIDENCE_POSSIBLE, CONFIDENCE_PREDICTED, CONFIDENCE_CONFIRMED };

/* One kind of finding; the table is check/checks.def. `name` is stable: suppressions, baselines and CI rules use it. */
struct rule {
    const char *name;       /* "lock-order-cycle" */
    enum severity severity; /* default; a finding may be lower or higher */
    const char *title;      /* a few words for tables and SARIF shortDescription */
    const char *help;       /* what it means, one or two sentences */
    const char *advice;     /* what to do, one sentence */
    bool optional;          /* off unless asked for */
};

enum action {
    ACTION_HOLDS,    /* held this object, taken at stack */
    ACTION_WANTS,    /* asked for it at stack while holding step->held */
    ACTION_WAITS,    /* was blocked on it at stack */
    ACTION_READS,
    ACTION_WRITES,
    ACTION_UNLOCKS,
    ACTION_DESTROYS,
    ACTION_FREES,
    ACTION_INITS,
    ACTION_SIGNALS,
    ACTION_POSTS,
    ACTION_JOINS,
    ACTION_DETACHES,
    ACTION_CREATES,
    ACTION_ENDS,     /* the thread ended here */
    ACTION_FORKS,
    ACTION_RUNS,     /* was here when the process ended */
    ACTION_DOES      /* anything else; `note` says what */
};

struct finding_thread {
    uint32_t id;
    const char *name;       /* "worker-1", or the start routine, or "main"; never NULL */
    uint32_t created_stack; /* stack id; 0 unknown */
    uint32_t parent;
};

struct finding_object {
    uint32_t id;
    const char *label;      /* "L1", "L2", ... in the order of the finding */
    const char *kind;       /* "mutex", "rwlock", "semaphore", ..., or "variable" for races */
    const char *name;       /* "accounts[3].lock", or "mutex of struct pool made in pool_new (pool.c:12)"; never NULL */
    uint64_t address;
    uint32_t created_stack;
};

struct finding_step {
    uint32_t thread;        /* index into finding.threads */
    enum action action;
    int32_t object;         /* index into finding.objects; -1 none */
    uint32_t stack;         /* stack id; 0 unknown */
    uint64_t site;          /* used when stack is 0: a single return address; 0 none */
    const uint32_t *held;   /* indices into finding.objects */
    uint32_t nheld;
    const char *note;       /* "with a time limit", "4 bytes at 0x...", "41 s"; NULL none */
    uint32_t joined;        /* ACTION_JOINS: id of the thread whose end is waited for; 0 not said */
};

enum baseline_state { BASELINE_NONE, BASELINE_NEW, BASELINE_KNOWN };

struct finding {
    const struct rule *rule;
    enum severity severity;
    enum confidence confidence;
    const char *message;    /* one sentence, with names */
    const char *detail;     /* further lines of text; NULL none */
    uint32_t run;           /* index into the runs of the report */
    uint64_t count;         /* how often it was seen */
    const struct finding_thread *threads;
    size_t nthreads;
    const struct finding_object *objects;
    size_t nobjects;
    const struct finding_step *steps;
    size_t nsteps;
    char fingerprint[33];   /* 128 bits in hex, set by fingerprint_set() */
    bool suppressed;
    const char *suppressed_by; /* the line of the suppression file; NULL */
    enum baseline_state baseline;
    const uint32_t *other_runs; /* runs that had the same finding too */
    size_t nother_runs;
};

#endif
