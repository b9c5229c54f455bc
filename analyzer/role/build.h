/* What the parts of role_build() share. */
#ifndef TWATCH_ROLE_BUILD_H
#define TWATCH_ROLE_BUILD_H

#include "base/hash.h"
#include "base/vec.h"
#include "role/role.h"

struct build_group { /* threads that run the same */
    const char *name;
    const char *python; /* "worker\n/srv/app.py": the function that its threads run; NULL: not known to be Python's */
    uint64_t routine;
    uint32_t index;
    uint32_t first, n; /* a thread; their number */
    UT_hash_handle hh;
    char key[];
};

struct build_part {               /* what one thread did at one line */
    uint32_t line, group, thread; /* group: index */
    uint64_t waits, blocked, timeouts, wait_ns, wait_max_ns, posts, broadcasts, to_nobody, empty, woken, first_post_ns;
};

/* A thing that threads wait at: a condition variable, a semaphore, or all waits of one place in a Python program, whose
 * condition variables make a new lock for each wait. */
struct build_line {
    uint32_t index;     /* + 1 */
    uint32_t object;    /* the first one */
    uint8_t kind;       /* enum twatch_object_kind */
    const char *python; /* "Queue.get\n/usr/lib/python3.11/queue.py\tconsumer\n/srv/app.py": who waits, and for whom;
                           NULL: the object itself */
    bool room;          /* producers wait here, for room */
    bool crew, grown;   /* put together of what workers wait at, each at its own (crew.c); they made each other */
    uint32_t mutex;     /* object id */
    size_t from, to;    /* its parts */
    UT_hash_handle hh;
    char key[];
};

struct build {
    const struct model *m;
    struct arena *a;
    struct build_group *by_key;
    VEC(struct build_group *) groups;
    uint32_t *group_of; /* thread -> index */
    uint32_t others;    /* the group of threads that are not known one by one */
    struct build_line *line_by_key;
    VEC(struct build_line *) lines;
    uint32_t *line_of;            /* object -> index + 1; 0: none */
    VEC(struct build_part) parts; /* by line, group, thread: one each */
};

struct build_says {
    struct arena *a;
    VEC(const char *) all;
};

void build_say(struct build_says *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct role_says build_said(struct build_says *s); /* and frees */

uint64_t build_life(const struct model *m, uint32_t thread);
unsigned build_percent(uint64_t part, uint64_t whole); /* rounded, at most 100 */

/* A Python frame's "function\nfile" without the line: copies to `out`; false when `pc` is no Python frame. */
bool build_python_frame(const struct model *m, uint64_t pc, char *out, size_t size);
const char *build_python_words(struct arena *a, const char *frame); /* "Queue.get (queue.py)" */

enum role_use build_semaphore_use(const struct twatch_object *o);
bool build_is_put(const struct build_line *l); /* a Python queue's wait for room */
const char *build_line_name(struct build *b, const struct build_line *l);
const char *build_line_kind(const struct build_line *l);

/* Made by Python's threading module for its own use: for one wait of a Condition, for the end of a thread. */
bool build_is_threading(const struct model *m, const struct twatch_object *o);

/* Of CPython's parking lot (3.13): a semaphore without permits on the stack of the thread that waits there, once. */
bool build_is_parked(const struct model *m, const struct twatch_object *o);

struct build_pool { /* what is asked of one, to say how long its tasks waited */
    const struct build_line *line;
    const uint32_t *workers;
    size_t n;
    uint32_t size;
    uint64_t busy_ns;   /* of all workers together */
    uint64_t announced; /* tasks */
};
void build_task_wait(const struct build *b, const struct build_pool *p, struct role_wait *out);

void group_build(struct build *b);
void line_build(struct build *b);
void queue_build(struct build *b, struct roles *out);
void crew_build(struct build *b); /* after the queues: makes lines and groups of its own */
void pool_build(struct build *b, struct roles *out);
void semaphore_build(struct build *b, struct roles *out);
void join_build(struct build *b, struct roles *out);

#endif
