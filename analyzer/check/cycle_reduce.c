#include "check/cycle.h"

#include <stdlib.h>
#include <string.h>

/*
 * A held place is (lock, mode). want[p] counts the living dependencies whose wish conflicts with it, hold[p] those that
 * hold it. A dependency dies when nobody holds what it wants, or nobody wants anything that it holds. Each death is
 * handled once and lowers counts; what reaches zero is looked up in two indices (compressed rows), so the whole is
 * linear in the sum of the held sets.
 */
struct reduce {
    const struct cycle_input *in;
    bool *dead;
    uint32_t *want, *hold;         /* per place: 2 * lock + mode */
    uint32_t *holders, *holder_at; /* place -> dependencies that hold it */
    uint32_t *wanters, *wanter_at; /* lock -> dependencies that want it */
    uint32_t *wanted;              /* dependency -> number of its places that somebody wants */
    VEC(uint32_t) queue;
};

static uint32_t reduce_place(const struct cycle_held *h) {
    return 2 * h->lock + h->mode;
}

static void reduce_index(struct reduce *r) {
    const struct cycle_input *in = r->in;
    size_t places = 2 * (size_t)in->nlocks, sum = 0;
    for (size_t i = 0; i < in->ndeps; i++) {
        const struct cycle_dep *d = &in->deps[i];
        r->wanter_at[d->lock + 1]++;
        for (uint32_t k = 0; k < d->nheld; k++)
            r->hold[reduce_place(&d->held[k])]++;
        sum += d->nheld;
    }
    for (size_t p = 0; p < places; p++)
        r->holder_at[p + 1] = r->holder_at[p] + r->hold[p];
    for (size_t l = 0; l < in->nlocks; l++)
        r->wanter_at[l + 1] += r->wanter_at[l];
    r->holders = mem_new(sum + 1, sizeof *r->holders);
    uint32_t *next_holder = mem_new(places + 1, sizeof *next_holder),
             *next_wanter = mem_new(in->nlocks + 1u, sizeof *next_wanter);
    memcpy(next_holder, r->holder_at, places * sizeof *next_holder);
    memcpy(next_wanter, r->wanter_at, in->nlocks * sizeof *next_wanter);
    for (size_t i = 0; i < in->ndeps; i++) {
        const struct cycle_dep *d = &in->deps[i];
        r->wanters[next_wanter[d->lock]++] = (uint32_t)i;
        for (uint32_t k = 0; k < d->nheld; k++)
            r->holders[next_holder[reduce_place(&d->held[k])]++] = (uint32_t)i;
        for (uint32_t mode = 0; mode < 2; mode++)
            r->want[2 * d->lock + mode] += cycle_conflict(in, d->lock, d->mode, mode);
    }
    free(next_holder);
    free(next_wanter);
}

static void reduce_kill(struct reduce *r, uint32_t dep) {
    if (r->dead[dep]) return;
    r->dead[dep] = true;
    vec_push(&r->queue, dep);
}

static bool reduce_has_holder(const struct reduce *r, const struct cycle_dep *d) {
    for (uint32_t mode = 0; mode < 2; mode++)
        if (cycle_conflict(r->in, d->lock, d->mode, mode) && r->hold[2 * d->lock + mode]) return true;
    return false;
}

static void reduce_lower(struct reduce *r, const struct cycle_dep *d) {
    for (uint32_t k = 0; k < d->nheld; k++) {
        uint32_t place = reduce_place(&d->held[k]), lock = d->held[k].lock;
        if (--r->hold[place]) continue;
        for (uint32_t i = r->wanter_at[lock]; i < r->wanter_at[lock + 1]; i++)
            if (!reduce_has_holder(r, &r->in->deps[r->wanters[i]])) reduce_kill(r, r->wanters[i]);
    }
    for (uint32_t mode = 0; mode < 2; mode++) {
        uint32_t place = 2 * d->lock + mode;
        if (!cycle_conflict(r->in, d->lock, d->mode, mode) || --r->want[place]) continue;
        for (uint32_t i = r->holder_at[place]; i < r->holder_at[place + 1]; i++)
            if (--r->wanted[r->holders[i]] == 0) reduce_kill(r, r->holders[i]);
    }
}

void cycle_reduce(const struct cycle_input *in, bool *dead) {
    size_t places = 2 * (size_t)in->nlocks;
    struct reduce r = {.in = in,
            .dead = dead,
            .want = mem_new(places, sizeof *r.want),
            .hold = mem_new(places, sizeof *r.hold),
            .holder_at = mem_new(places + 1, sizeof *r.holder_at),
            .wanter_at = mem_new((size_t)in->nlocks + 1, sizeof *r.wanter_at),
            .wanters = mem_new(in->ndeps, sizeof *r.wanters),
            .wanted = mem_new(in->ndeps, sizeof *r.wanted)};
    reduce_index(&r);
    for (uint32_t i = 0; i < in->ndeps; i++) {
        const struct cycle_dep *d = &in->deps[i];
        for (uint32_t k = 0; k < d->nheld; k++)
            r.wanted[i] += r.want[reduce_place(&d->held[k])] > 0;
    }
    for (uint32_t i = 0; i < in->ndeps; i++)
        if (r.wanted[i] == 0 || !reduce_has_holder(&r, &in->deps[i])) reduce_kill(&r, i);
    for (size_t i = 0; i < r.queue.n; i++)
        reduce_lower(&r, &in->deps[r.queue.at[i]]);
    free(r.want);
    free(r.hold);
    free(r.holder_at);
    free(r.wanter_at);
    free(r.wanters);
    free(r.holders);
    free(r.wanted);
    vec_free(&r.queue);
}
