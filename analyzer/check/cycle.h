/*
 * Finding lock-order cycles among lock dependencies. Pure: numbers in, cycles out; no model, no names.
 *
 * A dependency D = (thread t, wanted lock l and mode, held set L with modes). A chain D1..Dk, k >= 2, is a potential
 * deadlock iff every D_i wants a lock that D_{i+1} holds in a conflicting mode, and D_k one of D_1; the threads are
 * distinct, the wanted locks are distinct; no two held sets have a lock in common in conflicting modes (it would be a
 * gate: the two cannot be there at the same time); no two of them are ordered by create and join. (Joshi, Park, Sen,
 * Naik, "A Randomized Dynamic Program Analysis Technique for Detecting Real Deadlocks", PLDI 2009; gates and segments:
 * Bensalem, Havelund 2005.) Before any search the dependencies that cannot take part are removed (Cai, Chan,
 * "Magiclock", TSE 2014): cycle_reduce.c, in time linear in their size; a program that orders its locks never gets
 * beyond it.
 *
 * What is reported: the number of simple cycles can be exponential, and nobody reads them. An arc is a (held lock,
 * wanted lock) pair of a dependency, its type the same with locks replaced by their classes. Shortest cycles come
 * first; a cycle is reported iff it has an arc of a type that no cycle before it had. So every arc type that is part of
 * some cycle is in a report, there are no more reports than arc types, and a thousand locks of one array are one report
 * with a count.
 */
#ifndef TWATCH_CYCLE_H
#define TWATCH_CYCLE_H

#include "base/arena.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cycle_held {
    uint32_t lock;
    uint32_t mode; /* 0 exclusive, 1 shared */
};

struct cycle_dep {
    uint32_t thread, lock;
    const struct cycle_held *held; /* no lock twice, not the wanted one; at least one */
    uint32_t nheld;
    uint8_t mode;
    bool timed; /* gives up after a while: still reported, after those that do not */
};

struct cycle_input {
    const struct cycle_dep *deps;
    size_t ndeps;
    uint32_t nlocks;                                /* locks are < nlocks */
    uint32_t (*class_of)(void *ctx, uint32_t lock); /* asked for locks that the reduction left; NULL: each its own */
    const bool
            *reader_blocks; /* lock -> a reader waits for a reader (a writer may be queued between them); NULL: none */
    bool (*ordered)(void *ctx, size_t dep_a, size_t dep_b); /* in all instances, by create and join; NULL: never */
    void *ctx;
    uint64_t budget; /* search steps after the reduction; 0: 20 million, about a second */
};

struct cycle_found {
    uint32_t *dep; /* indices into deps: dep[i] wants a lock that dep[i + 1] holds */
    uint32_t length;
    uint64_t count; /* distinct sets of locks that make the same cycle of classes, as far as they were looked at */
};

struct cycle_result { /* zero-initialise; free with cycle_result_free */
    VEC(struct cycle_found) found;
    struct arena arena;
    size_t left;    /* dependencies left by the reduction */
    uint64_t steps; /* of the search */
    bool exhausted; /* the budget ended the search: there may be more cycles */
};

void cycle_find(const struct cycle_input *in, struct cycle_result *out);
void cycle_result_free(struct cycle_result *r);

/* ---- for cycle_*.c and their tests ---- */

/* Marks in dead[ndeps] what cannot be part of any chain. */
void cycle_reduce(const struct cycle_input *in, bool *dead);

/* Dependencies that differ only in thread and place. */
struct cycle_group {
    uint32_t lock;
    uint8_t mode;
    bool timed;
    uint32_t nheld;
    const struct cycle_held *held; /* sorted by lock */
    uint32_t *dep, ndeps;          /* instances, by thread */
    uint32_t solo;                 /* the thread, if all are of one; UINT32_MAX otherwise */
    uint32_t part;                 /* strongly connected component; groups of different parts share no cycle */
};

struct cycle_groups {
    struct cycle_group *at;
    uint32_t n;
    uint32_t *lock_part; /* lock -> its part */
};

/* Groups the living; memory from the arena. */
void cycle_group(const struct cycle_input *in, const bool *dead, struct arena *a, struct cycle_groups *out);

/* Sets group.part and lock_part, from the arena (Tarjan, 1972). */
void cycle_split(const struct cycle_input *in, struct arena *a, struct cycle_groups *groups);

/* One dependency for each group with distinct threads, no two ordered; false if there is none (or none was found in
 * *steps). */
bool cycle_assign(const struct cycle_input *in, const struct cycle_group *const *group, uint32_t n, uint32_t *dep,
        uint64_t *steps);

static inline bool cycle_conflict(const struct cycle_input *in, uint32_t lock, uint32_t want, uint32_t held) {
    return !want || !held || (in->reader_blocks && in->reader_blocks[lock]);
}

#endif
