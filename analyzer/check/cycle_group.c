#include "check/cycle.h"

#include <stdlib.h>
#include <string.h>

/* ---- grouping ---- */

static int group_compare_held(const void *pa, const void *pb) {
    const struct cycle_held *a = pa, *b = pb;
    return a->lock < b->lock ? -1 : a->lock > b->lock;
}

struct group_key { /* a dependency with its held set sorted */
    uint32_t dep;
    const struct cycle_held *held;
};

static int group_compare(const struct cycle_input *in, const struct group_key *ka, const struct group_key *kb) {
    const struct cycle_dep *a = &in->deps[ka->dep], *b = &in->deps[kb->dep];
    if (a->timed != b->timed) return a->timed ? 1 : -1;
    if (a->lock != b->lock) return a->lock < b->lock ? -1 : 1;
    if (a->mode != b->mode) return a->mode < b->mode ? -1 : 1;
    if (a->nheld != b->nheld) return a->nheld < b->nheld ? -1 : 1;
    for (uint32_t i = 0; i < a->nheld; i++) {
        if (ka->held[i].lock != kb->held[i].lock) return ka->held[i].lock < kb->held[i].lock ? -1 : 1;
        if (ka->held[i].mode != kb->held[i].mode) return ka->held[i].mode < kb->held[i].mode ? -1 : 1;
    }
    return 0;
}

static int group_compare_instance(const void *pa, const void *pb, void *input) {
    const struct group_key *ka = pa, *kb = pb;
    const struct cycle_input *in = input;
    int order = group_compare(in, ka, kb);
    if (order) return order;
    uint32_t a = in->deps[ka->dep].thread, b = in->deps[kb->dep].thread;
    if (a != b) return a < b ? -1 : 1;
    return ka->dep < kb->dep ? -1 : ka->dep > kb->dep;
}

static const struct cycle_held *group_sorted(struct arena *a, const struct cycle_dep *d) {
    struct cycle_held *held = arena_array(a, d->nheld, sizeof *held);
    memcpy(held, d->held, d->nheld * sizeof *held);
    if (d->nheld > 1) qsort(held, d->nheld, sizeof *held, group_compare_held);
    return held;
}

void cycle_group(const struct cycle_input *in, const bool *dead, struct arena *a, struct cycle_groups *out) {
    VEC(struct group_key) keys = {0};
    for (uint32_t i = 0; i < in->ndeps; i++)
        if (!dead[i]) vec_push(&keys, (struct group_key){i, group_sorted(a, &in->deps[i])});
    if (keys.n > 1) qsort_r(keys.at, keys.n, sizeof keys.at[0], group_compare_instance, (void *)(uintptr_t)in);
    *out = (struct cycle_groups){.at = arena_array(a, keys.n, sizeof *out->at)};
    uint32_t *all = arena_array(a, keys.n, sizeof *all);
    for (size_t i = 0; i < keys.n; i++) {
        const struct cycle_dep *d = &in->deps[keys.at[i].dep];
        if (i == 0 || group_compare(in, &keys.at[i - 1], &keys.at[i]) != 0)
            out->at[out->n++] = (struct cycle_group){.lock = d->lock,
                    .mode = d->mode,
                    .timed = d->timed,
                    .nheld = d->nheld,
                    .held = keys.at[i].held,
                    .dep = all + i,
                    .solo = d->thread};
        all[i] = keys.at[i].dep;
        struct cycle_group *g = &out->at[out->n - 1];
        g->ndeps++;
        if (g->solo != d->thread) g->solo = UINT32_MAX;
    }
    vec_free(&keys);
}

/* ---- strongly connected components ---- */

/* Nodes: groups first, then locks. A group leads to the lock it wants, a lock to the groups that hold it. */
struct split {
    const struct cycle_groups *groups;
    uint32_t *holder_at, *holders; /* lock -> groups */
    uint32_t *index, *low, *next, *part;
    bool *on_stack;
    VEC(uint32_t) stack, calls;
    uint32_t count, nparts;
};

static uint32_t split_degree(const struct split *s, uint32_t v) {
    if (v < s->groups->n) return 1;
    uint32_t lock = v - s->groups->n;
    return s->holder_at[lock + 1] - s->holder_at[lock];
}

static uint32_t split_target(const struct split *s, uint32_t v, uint32_t i) {
    if (v < s->groups->n) return s->groups->n + s->groups->at[v].lock;
    return s->holders[s->holder_at[v - s->groups->n] + i];
}

static void split_enter(struct split *s, uint32_t v) {
    s->index[v] = s->low[v] = ++s->count;
    s->on_stack[v] = true;
    vec_push(&s->stack, v);
    vec_push(&s->calls, v);
}

static void split_leave(struct split *s, uint32_t v) {
    if (s->low[v] == s->index[v]) {
        uint32_t w;
        do {
            w = s->stack.at[--s->stack.n];
            s->on_stack[w] = false;
            s->part[w] = s->nparts;
        } while (w != v);
        s->nparts++;
    }
    s->calls.n--;
    if (s->calls.n) {
        uint32_t caller = s->calls.at[s->calls.n - 1];
        if (s->low[v] < s->low[caller]) s->low[caller] = s->low[v];
    }
}

static void split_visit(struct split *s, uint32_t root) {
    split_enter(s, root);
    while (s->calls.n) {
        uint32_t v = s->calls.at[s->calls.n - 1];
        if (s->next[v] == split_degree(s, v)) {
            split_leave(s, v);
            continue;
        }
        uint32_t w = split_target(s, v, s->next[v]++);
        if (!s->index[w])
            split_enter(s, w);
        else if (s->on_stack[w] && s->index[w] < s->low[v])
            s->low[v] = s->index[w];
    }
}

void cycle_split(const struct cycle_input *in, struct arena *a, struct cycle_groups *groups) {
    size_t nodes = (size_t)groups->n + in->nlocks, sum = 0;
    struct split s = {.groups = groups,
            .holder_at = mem_new((size_t)in->nlocks + 2, sizeof(uint32_t)),
            .index = mem_new(nodes, sizeof(uint32_t)),
            .low = mem_new(nodes, sizeof(uint32_t)),
            .next = mem_new(nodes, sizeof(uint32_t)),
            .part = mem_new(nodes, sizeof(uint32_t)),
            .on_stack = mem_new(nodes, sizeof(bool))};
    for (uint32_t g = 0; g < groups->n; g++)
        for (uint32_t k = 0; k < groups->at[g].nheld; k++, sum++)
            s.holder_at[groups->at[g].held[k].lock + 2]++;
    for (size_t l = 2; l < (size_t)in->nlocks + 2; l++)
        s.holder_at[l] += s.holder_at[l - 1];
    s.holders = mem_new(sum, sizeof(uint32_t));
    for (uint32_t g = 0; g < groups->n; g++) /* filling moves each start to the next one's place */
        for (uint32_t k = 0; k < groups->at[g].nheld; k++)
            s.holders[s.holder_at[groups->at[g].held[k].lock + 1]++] = g;
    for (uint32_t g = 0; g < groups->n; g++)
        if (!s.index[g]) split_visit(&s, g);
    for (uint32_t g = 0; g < groups->n; g++)
        groups->at[g].part = s.part[g];
    groups->lock_part = arena_array(a, in->nlocks, sizeof *groups->lock_part);
    for (uint32_t l = 0; l < in->nlocks; l++) /* a lock that no group wants was never visited */
        groups->lock_part[l] = s.index[groups->n + l] ? s.part[groups->n + l] : UINT32_MAX;
    free(s.holder_at);
    free(s.holders);
    free(s.index);
    free(s.low);
    free(s.next);
    free(s.part);
    free(s.on_stack);
    vec_free(&s.stack);
    vec_free(&s.calls);
}
