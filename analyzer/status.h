/*
 * The state of one process at one moment, for `twatch status`: plain data from a record and, while the process lives,
 * from /proc. Nothing is attached to and nothing stopped: the record is a file, and of a thread that waits for no lock
 * the kernel is asked where it is.
 */
#ifndef TWATCH_STATUS_H
#define TWATCH_STATUS_H

#include "base/arena.h"
#include "model/model.h"
#include "symbol/symbol.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct status_held {
    const char *name, *kind; /* of the lock */
    uint64_t address;
    uint32_t stack;
    uint64_t site;
    bool shared;
    uint32_t recursion; /* further acquisitions by the same thread */
};

struct status_thread {
    uint32_t id;
    int32_t tid;
    const char *name;
    bool waiting;
    bool timed;
    /* waiting */
    uint64_t wait_ns;
    uint64_t left_ns;          /* timed: until its limit, 0 unknown */
    const char *object, *kind; /* what it waits for; joins: the thread and "end of thread" */
    uint64_t address;
    bool shared, reported; /* wants to read; part of a deadlock that was said */
    uint32_t stack;
    const uint32_t *holders; /* thread ids */
    size_t nholders;
    /* not waiting */
    const char *doing; /* "running", "in epoll_wait", "last seen running" */
    const struct status_held *held;
    size_t nheld;
};

struct status_lock {
    const char *name, *kind;
    uint64_t acquisitions, contended, wait_ns, wait_max_ns;
};

struct status {
    const struct model *model;
    struct symbols *symbols;
    const char *exe;
    bool live;
    uint64_t age_ns; /* from the load of the library until now, or the end */
    const struct status_thread *threads;
    size_t nthreads, nwaiting;
    const struct status_lock *busiest, *contended;
    size_t nbusiest, ncontended;
};

struct status_view {
    bool stacks;
    size_t most; /* rows of each table of locks */
};

/* Memory from the arena, which must outlive the result. */
void status_collect(struct status *s, struct arena *arena, const struct model *model, struct symbols *symbols,
        const struct status_view *view);
void status_text(FILE *out, const struct status *s, const struct status_view *view);
void status_json(FILE *out, const struct status *s, const struct status_view *view);

/* "in epoll_wait", "running", "stopped": what the kernel says of a thread; NULL when it is gone. */
const char *status_doing(struct arena *arena, int pid, int tid);

#endif
