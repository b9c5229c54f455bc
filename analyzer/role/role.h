/*
 * What threads are to each other: who produces and who consumes, which threads are a pool, what each semaphore serves
 * as, who waited for whose end. Descriptions, drawn from the counters and the time log of one record; no findings. What
 * the counters do not show clearly is not claimed.
 *
 * All texts are unescaped and live in the arena or the model. Times are nanoseconds; `percent` is 0 to 100.
 */
#ifndef TWATCH_ROLE_H
#define TWATCH_ROLE_H

#include "base/arena.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct role_side { /* threads of one kind at one queue */
    const char *name;
    uint32_t nthreads;
    uint64_t life_ns;                      /* of its threads together */
    uint64_t waits, blocked, timeouts;     /* waits: that ended with what was waited for */
    uint64_t wait_ns, wait_max_ns;         /* one that is not over included */
    uint64_t posts, broadcasts, to_nobody; /* signals and broadcasts, or permits given */
    uint64_t empty;                        /* wake-ups after which the thread waited again at once */
};

struct role_says {
    const char *const *at;
    size_t n;
};

struct role_queue {          /* a condition variable or semaphore that threads wait at for others */
    const char *kind, *name; /* "condition variable", "jobs.ready" */
    const char *mutex;       /* NULL: none or unknown */
    const char *room;        /* what producers wait at for room, when there is such; NULL */
    bool clear;              /* signals and waits run one way: consumers and producers are told apart */
    const struct role_side *producers, *consumers; /* by number of threads; not clear: all are in consumers */
    size_t nproducers, nconsumers;
    struct role_side total;
    uint64_t woken;                                          /* waiters that broadcasts were for, all together */
    unsigned consumers_idle_percent, producers_idle_percent; /* of their lives, at this queue */
    struct role_says says;
};

enum { ROLE_SLICES = 32 };

enum role_known { ROLE_UNKNOWN, ROLE_ESTIMATED, ROLE_MEASURED };

struct role_wait { /* of tasks, until a worker fetched them */
    enum role_known known;
    const char *how;                       /* it is known, or why it is not */
    uint64_t mean_ns;                      /* of all below; 0 when unknown */
    uint64_t met, met_mean_ns, met_max_ns; /* tasks that a worker stood ready for; 0 ns: not measured */
    uint64_t queued, queued_mean_ns;       /* tasks announced when none did */
};

struct role_pool {    /* threads of one start routine and one creator that idle at one queue */
    const char *name; /* of its threads */
    const char *creator;
    const char *queue_kind, *queue;
    uint32_t size;        /* most threads alive at a time */
    uint32_t nthreads;    /* ever */
    uint32_t max_busy;    /* not more were busy at a time: shorter pauses than the log holds count as busy */
    uint64_t tasks;       /* waits that ended with work */
    uint64_t idle_max_ns; /* longest wait of one worker */
    uint64_t announced, found_nobody; /* signals for work; of those, the ones for which no worker was waiting */
    struct role_wait wait;
    uint64_t lock_wait_ns;        /* at the lock that its workers waited for most; of waits as long as the log holds */
    const char *lock_kind, *lock; /* NULL: none */
    unsigned busy_percent, busiest_percent, idlest_percent;
    unsigned char busy[ROLE_SLICES]; /* percent of the workers alive that were busy, over the life of the pool */
    struct role_says says;
};

enum role_use { ROLE_LOCK, ROLE_BOUNDED, ROLE_SIGNAL, ROLE_UNCLEAR };

struct role_semaphore {
    const char *name;
    enum role_use use;
    uint32_t initial, most_in_use; /* most_in_use: lock and bounded ones */
    uint64_t taken, blocked, given, timeouts, wait_ns, wait_max_ns;
    uint64_t lost; /* permits that ended or cancelled threads took along */
    uint32_t nthreads;
};

struct role_join { /* one thread's joins of threads of one kind */
    const char *joiner, *joined;
    uint32_t joiner_id, n, waited; /* waited: of the n, those that were not over yet */
    uint64_t wait_ns, wait_max_ns; /* of the waits as long as the log holds */
    uint32_t longest;              /* thread that was waited for longest; 0 none */
    uint32_t serial;    /* threads in a row of which each was made after the one before had been joined; 0 none */
    uint64_t serial_ns; /* sum of their lives */
    struct role_says says;
};

struct roles {
    const struct role_queue *queues; /* longest wait together first */
    size_t nqueues;
    const struct role_pool *pools;
    size_t npools;
    const struct role_semaphore
            *semaphores; /* longest wait together first; locks that were never waited for left out */
    size_t nsemaphores;
    const struct role_join *joins; /* longest wait first */
    size_t njoins;
};

/* Time and memory linear in the record, but for sorting. */
const struct roles *role_build(const struct model *m, struct arena *a);

const char *role_known_name(enum role_known known); /* "unknown", "estimated", "measured" */
const char *role_use_name(enum role_use use);       /* "lock", "bounded resource", "signal", "unclear" */

#endif
