/*
 * Reports: one file per format, each a row of reports.def. A printer writes what it is given, streams, and knows no
 * check. Everything that comes from the watched program (names, paths, arguments) is hostile text: printers write it
 * through escape.h only.
 */
#ifndef TWATCH_REPORT_H
#define TWATCH_REPORT_H

#include "base/strbuf.h"
#include "finding/finding.h"
#include "role/role.h"
#include "symbol/symbol.h"

#include <stdio.h>

/* ---- what is reported: plain data, put together by fill.c and the commands --------------------------------------- */

struct report_count {
    const char *key;  /* "stack": for machines */
    const char *what; /* "stacks were cut short": for people */
    uint64_t n;
};

struct report_thread {                    /* times in ns since the run's start */
    uint32_t id, parent, ordinal, joiner; /* joiner 0: never joined */
    const char *name;                     /* never NULL */
    const char *start;                    /* start routine; NULL unknown */
    uint32_t create_stack;
    uint64_t birth_ns, end_ns; /* end_ns 0: still there at the end */
    uint64_t join_ns;          /* when it was joined; 0 never */
    uint64_t cpu_ns;           /* 0 unknown */
    uint64_t wait_ns;          /* blocked on locks and the like, as far as it was timed */
    const char *ended;         /* "returned", "cancelled", "running", ... never NULL */
    const char *state;         /* at the end: "waits for mutex accounts[3].lock since 41 s"; NULL nothing to say */
    bool detached, joined;
};

struct report_interval { /* a wait or a hold; times in ns since the run's start, end_ns inside the run */
    uint32_t thread;             /* id */
    uint32_t stack;              /* of the call that waited or took the lock */
    bool hold;                   /* false: a wait */
    bool open;                   /* was not over at the end */
    bool vain;                   /* a wait that was given up */
    bool late;                   /* a hold that began earlier than start_ns */
    const char *kind, *name;     /* "mutex", "accounts[3].lock"; a join: "thread", the thread's name; never NULL */
    uint64_t start_ns, end_ns;
};

struct report_contention {   /* one row: a lock at a site */
    const char *name, *kind; /* of the lock; never NULL */
    uint32_t stack;
    uint64_t site;
    uint64_t acquisitions; /* of the lock, at all sites */
    uint64_t contended, wait_ns, wait_max_ns;
    uint64_t holds, hold_ns, hold_max_ns; /* the timed ones */
};

struct report_node { /* a lock of the lock-order graph */
    const char *name, *kind;
};

struct report_edge { /* `to` was taken while `from` was held; indices of nodes */
    uint32_t from, to;
    uint64_t count;
    bool reverse; /* the opposite order was seen too, directly or around a circle */
};

enum report_exit {
    REPORT_EXIT_STATUS,
    REPORT_EXIT_SIGNAL,
    REPORT_EXIT_KILLED,
    REPORT_EXIT_RUNNING,
    REPORT_EXIT_EXEC,
    REPORT_EXIT_HUNG /* it would never have ended: the library ended it (on_deadlock) with exit_code */
};

struct report_coverage { /* one module that was to be watched for races */
    const char *module;  /* path */
    const char *reason;  /* why it was left alone; NULL: it was not */
    uint64_t accesses, watched; /* instructions that touch memory which threads can share */
    uint64_t functions, functions_left;
};

struct report_run {
    const char *record; /* path of the record file */
    const char *exe, *cwd;
    int pid, parent_pid;
    const char *const *argv;
    size_t nargv;
    enum report_exit exit;
    int exit_code;
    bool across;        /* no process: the lock orders of several records together */
    bool complete;      /* nothing was lost and the record says how the process ended */
    uint64_t length_ns; /* how long it was watched */
    uint64_t nlocks, nacquisitions;
    const struct report_count *losses;
    size_t nlosses;
    const char *const *missing; /* sentences: what the record or the symbols lack */
    size_t nmissing;
    const struct report_thread *threads;
    size_t nthreads;
    const struct report_interval *intervals; /* by thread, then start */
    size_t nintervals;
    uint64_t interval_least_ns, intervals_dropped; /* shorter ones are not there; that many were dropped for want of room */
    const struct report_coverage *coverage;
    size_t ncoverage;
    const struct roles *roles; /* NULL: of no process */
    const struct report_contention *contention; /* longest total wait first */
    size_t ncontention;
    const struct report_node *nodes;
    size_t nnodes;
    const struct report_edge *edges;
    size_t nedges;
    struct symbols *symbols; /* NULL: addresses only */
};

struct report_style {
    bool color;       /* text: escape sequences for a terminal */
    bool verbose;     /* text: every frame, every thread, what is suppressed */
    bool graphviz;    /* HTML: drawings laid out by Graphviz, where it is installed */
    unsigned width;   /* text: columns; 0: 100 */
    const char *root; /* directory that relative paths start from; NULL none. What lies outside stays absolute. */
};

struct report {
    const char *version;
    const struct report_run *runs;
    size_t nruns;
    const struct finding *const *findings; /* sorted: severe first */
    size_t nfindings;
    const struct rule *const *rules; /* the rules of all checks that ran, for formats that list them */
    size_t nrules;
    const char *const *notes; /* sentences for the end of the report: unused suppressions, what was not observed */
    size_t nnotes;
    const char *const *fixed; /* baseline entries that are gone: one line each */
    size_t nfixed;
    int fail_on; /* lowest enum severity that fails a build; 3: none does */
    struct report_style style;
};

/* ---- printing ---------------------------------------------------------------------------------------------------- */

struct report_format {
    const char *name, *help;
    bool graph; /* shows the lock-order graph: report_run.nodes and edges are wanted */
    void (*print)(FILE *out, const struct report *report);
};

/* The row of reports.def with that name, NULL if there is none. */
const struct report_format *report_find(const char *name);

/* All rows; *n gets their number. */
const struct report_format *report_formats(size_t *n);

/* Prints and flushes; false with errno when the output could not be written. */
bool report_print(const struct report_format *format, FILE *out, const struct report *report);

/* The style for `out`: colours on a terminal unless NO_COLOR is set or `color` ("auto", "always", "never") says
 * otherwise; its width. */
struct report_style report_style_for(FILE *out, const char *color);

/* ---- parts of the text report, for other commands ---------------------------------------------------------------- */

void report_print_threads(FILE *out, const struct report *report);    /* tree of threads with their life spans */
void report_print_queues(FILE *out, const struct report *report);     /* who produces, who consumes; pools; semaphores; joins */
void report_print_contention(FILE *out, const struct report *report); /* the most waited for, by lock and site */

/* ---- shared by printers ------------------------------------------------------------------------------------------ */

/* Frames of a step; empty when there are no symbols or nothing is known, never NULL. */
const struct symbol_trace *report_trace(const struct report *report, uint32_t run, uint32_t stack, uint64_t site);

/* The place to point at: the first own frame with a source line over the steps, the wanting and accessing ones first;
 * NULL none. */
const struct symbol_frame *report_blame(const struct report *report, const struct finding *finding);

const char *report_severity(enum severity severity);       /* "error" */
const char *report_confidence(enum confidence confidence); /* "possible" */
const char *report_action(enum action action);             /* "holds", as in JSON */

/* `path` relative to style.root when it lies there, otherwise itself; NULL stays NULL. */
const char *report_relative(const struct report *report, const char *path);

/* Neither suppressed nor in the baseline. */
bool report_counts(const struct finding *finding);

/* "mutex accounts[3].lock"; a name made from the kind stands alone. Appended unescaped. */
void report_object_words(struct strbuf *b, const struct finding_object *object);

/* "wants mutex L (which thread 3 holds)": a step without its place, in words. Appended unescaped. */
/* The heading of a thread's part: Thread 3 "worker". One that the record does not have has no number: "Another thread
 * of the parent". Not escaped. */
void report_thread_words(struct strbuf *b, const struct finding_thread *thread);
void report_step_words(struct strbuf *b, const struct finding *finding, const struct finding_step *step);

/* "transfer (src/bank.c:31)", "libfoo.so+0x12", "0x7f12". Appended unescaped. */
void report_frame_words(const struct report *report, struct strbuf *b, const struct symbol_frame *frame);

/* Everything that one thread did, in plain text lines, for formats that carry a text body. Escaped as ESCAPE_TEXT. */
void report_body(const struct report *report, struct strbuf *b, const struct finding *finding);

/*
 * What the runs lack, each sentence once, with the number of runs it is about: *out gets sentences for people ("libx.so
 * is stripped: only offsets (in 12 processes)"), sorted; their memory is `arena`'s.
 */
struct arena;
size_t report_lacks(const struct report *report, struct arena *arena, const char ***out);

/* Counts for summaries: what is neither suppressed nor in the baseline. */
size_t report_count_severity(const struct report *report, enum severity severity);

#endif
