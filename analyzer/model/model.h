/*
 * The model: one record as plain tables by id. Everything is checked when the model is built: an id that an accessor
 * takes may be any number (it gives NULL for what does not exist), and counts and lengths of what it returns are inside
 * the record. What the record cannot give is absent, not invented.
 *
 * A model and everything it points to is constant after model_build() and lives until model_free().
 */
#ifndef TWATCH_MODEL_H
#define TWATCH_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;
struct model;

/* Elements by id: at[id] for id < n; NULL where there is none; at[0] is always NULL. */
struct model_table {
    const void **at;
    uint32_t n;
};

/* Elements without an id, in file order. */
struct model_list {
    const void **at;
    size_t n;
};

/*
 * Names of things, so that checks can write sentences without knowing symbols. Each function may be NULL, and may
 * return NULL when it has no name; finding/names.h falls back to addresses and numbers. Texts live as long as the
 * model. `site` is a return address that counts when `stack` is 0.
 */
struct namer {
    void *ctx;
    const char *(*variable)(void *ctx, uint64_t address);       /* static data: "accounts[3].lock" */
    const char *(*variable_class)(void *ctx, uint64_t address); /* the same for all elements: "accounts[].lock" */
    const char *(*tls_variable)(void *ctx, uint64_t address, uint64_t handle); /* of a thread with this pthread_t */
    const char *(*local)(void *ctx, uint64_t pc, uint64_t below); /* in a frame: "count", "job.left" */
    int (*local_atomic)(void *ctx, uint64_t pc, uint64_t below);  /* as atomic */
    int (*atomic)(void *ctx,
            uint64_t address); /* 1 declared _Atomic or std::atomic, 0 not, -1 nothing is known about its type */
    const char *(*function)(void *ctx, uint64_t address); /* that starts at or covers it */
    uint64_t (*start)(void *ctx, uint64_t pc);            /* of its function, also without symbols; 0 unknown */
    const char *(*brief)(
            void *ctx, uint32_t stack, uint64_t site); /* first frame of project code: "pool_new (pool.c:12)" */
    const char *(*key)(
            void *ctx, uint32_t stack, uint64_t site); /* the same without lines: "pool_new@pool.c", for fingerprints */
    const char *(*argument)(
            void *ctx, uint32_t stack, const char *callee); /* text of the argument of that call: "pool->lock" */
    const char *(*expression)(
            void *ctx, uint32_t stack, uint64_t pc); /* what the instruction touches, from the source: "d->ticket" */
};

/* The last state of one live thread. */
struct model_state {
    uint32_t thread; /* id, with model_thread() != NULL */
    const struct twatch_slot *slot;
    const struct twatch_held *held; /* nheld entries, none empty */
    uint32_t nheld;
    bool waiting; /* slot->wait_* are consistent and say that it waits */
};

struct model {
    struct arena arena;
    const struct record *record;
    const struct twatch_header *header;
    const char *path; /* of the record */
    uint64_t now_ns;  /* the moment of the last state: end_ns, or the last time known */
    bool live;        /* the process was still running when the record was read */
    struct model_table strings, modules, threads, objects, stacks;
    struct model_list deps; /* struct twatch_dep */
    struct model_list incidents, stats, uses, races, race_infos, queues;
    struct model_list intervals; /* struct twatch_interval, by thread and start: see interval.h */
    struct model_state *states;
    size_t nstates;
    uint32_t *state_of;   /* thread id -> index into states + 1; 0 none; threads.n entries */
    const char **missing; /* sentences: what the record lacks or what had to be left out */
    size_t nmissing;
    struct namer namer;
    uint32_t run; /* index of this record in the report */
};

/*
 * Builds a model over a record; `record` must outlive it and is only changed by notes. A damaged record gives a partial
 * model whose `missing` says what is not there.
 */
void model_build(struct model *m, struct record *record);
void model_free(struct model *m);

const struct twatch_thread *model_thread(const struct model *m, uint32_t id);
const struct twatch_object *model_object(const struct model *m, uint32_t id);
const struct twatch_module *model_module(const struct model *m, uint32_t id);
const struct twatch_stack *model_stack(const struct model *m, uint32_t id);       /* nframes is inside the element */
const struct model_state *model_state_of(const struct model *m, uint32_t thread); /* NULL: not alive at the end */

/* Text of a string id, NUL-terminated, and its length if asked for (it may hold NULs: argv). "" for ids that do not
 * exist. */
const char *model_string(const struct model *m, uint32_t id, size_t *length);

/* Elements of the lists. */
const struct twatch_dep *model_dep(const struct model *m, size_t i);
const struct twatch_incident *model_incident(const struct model *m, size_t i);
const struct twatch_stat *model_stat(const struct model *m, size_t i);
const struct twatch_queue *model_queue(const struct model *m, size_t i);
const struct twatch_use *model_use(const struct model *m, size_t i);
const struct twatch_interval *model_interval(const struct model *m, size_t i);
const struct twatch_race *model_race(const struct model *m, size_t i);
const struct twatch_race_info *model_race_info(const struct model *m, size_t i);

/* Seconds that passed between two record times, for sentences; 0 when either is unknown or they are the wrong way
 * round. */
double model_seconds(uint64_t from_ns, uint64_t to_ns);

#endif
