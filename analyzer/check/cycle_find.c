#include "base/hash.h"
#include "check/cycle.h"

#include <stdlib.h>
#include <string.h>

#define FIND_BUDGET 20000000u /* steps in all: about a second */
#define FIND_TYPE_BUDGET                                                                                               \
    400000u /* of them for one arc type, so that one dense knot does not use up what others need                       \
             */
#define FIND_ASSIGN_BUDGET 20000u

struct find_arc { /* a group's step from a lock that it holds to the one that it wants */
    uint32_t group, from, to;
    uint8_t from_mode;
    uint32_t type;
};

struct find_type { /* arcs with locks replaced by classes */
    uint64_t key[2];
    uint32_t id;
    UT_hash_handle hh;
};

struct find_pair { /* a reported cycle of two arc types, to count further ones */
    uint64_t key;
    size_t found;
    UT_hash_handle hh;
};

struct find {
    const struct cycle_input *in;
    struct cycle_result *out;
    struct cycle_groups groups;
    struct find_arc *arcs; /* sorted by from, then to; groups that give up come last among equals */
    size_t narcs;
    uint32_t *from_at; /* lock -> its first arc; nlocks + 1 entries */
    struct find_type *types;
    uint32_t ntypes;
    bool *covered; /* type -> is in a report */
    struct find_pair *pairs;
    uint64_t steps, limit; /* left in all, and of the current type */
    /* the search for one shortest cycle */
    uint32_t *distance;         /* lock -> arcs to the start, + 1; 0: unreachable */
    uint32_t *held_x, *held_s;  /* lock -> how many groups on the path hold it exclusively, shared */
    bool *used;                 /* lock is wanted on the path */
    bool *busy;                 /* thread is the only one of some group on the path */
    uint32_t nthreads, longest; /* thread ids are below nthreads; no cycle is longer than there are threads */
    VEC(uint32_t) path;         /* arcs */
    VEC(uint32_t) touched;      /* locks with a distance */
    bool cut;                   /* a longer cycle is possible */
};

static uint32_t find_class(const struct find *f, uint32_t lock) {
    return f->in->class_of ? f->in->class_of(f->in->ctx, lock) : lock;
}

static uint32_t find_type(struct find *f, const struct find_arc *arc) {
    const struct cycle_group *g = &f->groups.at[arc->group];
    uint64_t key[2] = {
            (uint64_t)find_class(f, arc->from) << 1 | arc->from_mode, (uint64_t)find_class(f, arc->to) << 1 | g->mode};
    struct find_type *t;
    HASH_FIND(hh, f->types, key, sizeof key, t);
    if (!t) {
        t = arena_alloc(&f->out->arena, sizeof *t);
        memcpy(t->key, key, sizeof key);
        t->id = f->ntypes++;
        HASH_ADD(hh, f->types, key, sizeof key, t);
    }
    return t->id;
}

static int find_compare(const void *pa, const void *pb) {
    const struct find_arc *a = pa, *b = pb;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return a->group < b->group ? -1 : a->group > b->group; /* groups are sorted: timed ones are last */
}

/* Arcs inside one part; only there can a cycle be. */
static void find_arcs(struct find *f) {
    VEC(struct find_arc) arcs = {0};
    for (uint32_t g = 0; g < f->groups.n; g++) {
        const struct cycle_group *x = &f->groups.at[g];
        for (uint32_t k = 0; k < x->nheld; k++)
            if (f->groups.lock_part[x->held[k].lock] == x->part)
                vec_push(&arcs, (struct find_arc){g, x->held[k].lock, x->lock, (uint8_t)x->held[k].mode, 0});
    }
    f->arcs = arcs.at;
    f->narcs = arcs.n;
    if (arcs.n > 1) qsort(arcs.at, arcs.n, sizeof arcs.at[0], find_compare);
    f->from_at = mem_new((size_t)f->in->nlocks + 2, sizeof *f->from_at);
    for (size_t i = 0; i < arcs.n; i++)
        f->from_at[arcs.at[i].from + 1]++;
    for (uint32_t l = 0; l <= f->in->nlocks; l++)
        f->from_at[l + 1] += f->from_at[l];
    for (size_t i = 0; i < arcs.n; i++)
        arcs.at[i].type = find_type(f, &arcs.at[i]);
}

static bool find_spend(struct find *f) {
    f->out->steps++;
    if (f->limit == 0 || f->steps == 0) {
        f->out->exhausted = true;
        return false;
    }
    f->limit--;
    f->steps--;
    return true;
}

static size_t find_report(struct find *f, const uint32_t *dep, const uint32_t *arcs, uint32_t n) {
    struct cycle_found c = {.length = n, .count = 1, .dep = arena_array(&f->out->arena, n, sizeof *c.dep)};
    memcpy(c.dep, dep, n * sizeof *dep);
    for (uint32_t i = 0; i < n; i++)
        f->covered[f->arcs[arcs[i]].type] = true;
    vec_push(&f->out->found, c);
    return f->out->found.n - 1;
}

static bool find_assign(struct find *f, const uint32_t *arcs, uint32_t n, uint32_t *dep) {
    const struct cycle_group **group = mem_new(n, sizeof *group);
    for (uint32_t i = 0; i < n; i++)
        group[i] = &f->groups.at[f->arcs[arcs[i]].group];
    uint64_t steps = FIND_ASSIGN_BUDGET;
    bool good = cycle_assign(f->in, group, n, dep, &steps);
    if (!good && steps == 0) f->out->exhausted = true;
    uint64_t spent = FIND_ASSIGN_BUDGET - steps;
    f->steps -= spent < f->steps ? spent : f->steps;
    free(group);
    return good;
}

/* ---- cycles of two: by looking up the reverse of each arc ---- */

static bool find_gated(const struct cycle_group *a, const struct cycle_group *b) {
    for (uint32_t i = 0, k = 0; i < a->nheld && k < b->nheld;) {
        if (a->held[i].lock < b->held[k].lock)
            i++;
        else if (a->held[i].lock > b->held[k].lock)
            k++;
        else if (a->held[i++].mode == 0 || b->held[k].mode == 0)
            return true;
        else
            k++;
    }
    return false;
}

/* First arc from -> to. */
static size_t find_first(const struct find *f, uint32_t from, uint32_t to) {
    size_t lo = f->from_at[from], hi = f->from_at[from + 1];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (f->arcs[mid].to < to)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void find_two_at(struct find *f, uint32_t a, uint32_t b) {
    const struct find_arc *x = &f->arcs[a], *y = &f->arcs[b];
    const struct cycle_group *gx = &f->groups.at[x->group], *gy = &f->groups.at[y->group];
    if (!cycle_conflict(f->in, x->to, gx->mode, y->from_mode) || !cycle_conflict(f->in, y->to, gy->mode, x->from_mode))
        return;
    uint32_t lo = x->type < y->type ? x->type : y->type, hi = x->type < y->type ? y->type : x->type;
    uint64_t key = (uint64_t)lo << 32 | hi;
    struct find_pair *p;
    HASH_FIND(hh, f->pairs, &key, sizeof key, p);
    if (!p && f->covered[lo] && f->covered[hi]) return;
    uint32_t dep[2], arcs[2] = {a, b};
    if ((gx->solo == gy->solo && gx->solo != UINT32_MAX) || find_gated(gx, gy) || !find_assign(f, arcs, 2, dep)) return;
    if (p) {
        f->out->found.at[p->found].count++;
        return;
    }
    p = arena_alloc(&f->out->arena, sizeof *p);
    p->key = key;
    p->found = find_report(f, dep, arcs, 2);
    HASH_ADD(hh, f->pairs, key, sizeof key, p);
}

static void find_twos(struct find *f) {
    f->limit = f->steps / 2;
    for (uint32_t a = 0; a < f->narcs; a++) {
        const struct find_arc *x = &f->arcs[a];
        if (a && f->arcs[a - 1].from == x->from && f->arcs[a - 1].to == x->to && f->covered[x->type] &&
                f->groups.at[x->group].timed == f->groups.at[f->arcs[a - 1].group].timed)
            continue;                  /* the same two locks: one is enough */
        if (x->from > x->to) continue; /* seen from the other side */
        for (size_t b = find_first(f, x->to, x->from);
                b < f->narcs && f->arcs[b].from == x->to && f->arcs[b].to == x->from; b++) {
            if (!find_spend(f)) return;
            size_t before = f->out->found.n;
            uint64_t count = before ? f->out->found.at[before - 1].count : 0;
            find_two_at(f, a, (uint32_t)b);
            if (f->out->found.n > before || (before && f->out->found.at[before - 1].count > count)) break;
        }
    }
}

/* ---- longer cycles: the shortest one through an arc ---- */

/* Distances to `start` against the arcs' direction: breadth first over the arcs into each lock. */
static void find_distances(struct find *f, const uint32_t *into, const uint32_t *into_at, uint32_t start) {
    for (size_t i = 0; i < f->touched.n; i++)
        f->distance[f->touched.at[i]] = 0;
    f->touched.n = 0;
    vec_push(&f->touched, start);
    f->distance[start] = 1;
    for (size_t i = 0; i < f->touched.n; i++) {
        uint32_t lock = f->touched.at[i];
        if (f->distance[lock] > f->longest) break;
        for (uint32_t k = into_at[lock]; k < into_at[lock + 1]; k++) {
            uint32_t from = f->arcs[into[k]].from;
            if (f->distance[from] || !find_spend(f)) continue;
            f->distance[from] = f->distance[lock] + 1;
            vec_push(&f->touched, from);
        }
    }
}

/* Are a group's held locks and its thread free on the path so far? */
static bool find_free(const struct find *f, const struct cycle_group *g) {
    if (g->solo < f->nthreads && f->busy[g->solo]) return false;
    for (uint32_t i = 0; i < g->nheld; i++) {
        uint32_t l = g->held[i].lock;
        if (f->held_x[l] || (g->held[i].mode == 0 && f->held_s[l])) return false;
    }
    return true;
}

static void find_push(struct find *f, uint32_t arc, int by) {
    const struct cycle_group *g = &f->groups.at[f->arcs[arc].group];
    for (uint32_t i = 0; i < g->nheld; i++) {
        uint32_t *count = g->held[i].mode == 0 ? f->held_x : f->held_s;
        count[g->held[i].lock] += (uint32_t)by;
    }
    f->used[g->lock] = by > 0;
    if (g->solo < f->nthreads) f->busy[g->solo] = by > 0;
    if (by > 0)
        vec_push(&f->path, arc);
    else
        f->path.n--;
}

/* Extends the path, which starts at lock `start`, to a cycle of exactly `length` arcs. */
static bool find_extend(struct find *f, uint32_t start, uint32_t length, uint32_t *dep) {
    const struct find_arc *last = &f->arcs[f->path.at[f->path.n - 1]];
    const struct cycle_group *wanting = &f->groups.at[last->group];
    uint32_t depth = (uint32_t)f->path.n;
    if (last->to == start) {
        const struct find_arc *first = &f->arcs[f->path.at[0]];
        return depth == length && cycle_conflict(f->in, start, wanting->mode, first->from_mode) &&
               find_assign(f, f->path.at, depth, dep);
    }
    for (uint32_t a = f->from_at[last->to]; a < f->from_at[last->to + 1]; a++) {
        const struct find_arc *x = &f->arcs[a];
        if (!find_spend(f)) return false;
        if (!f->distance[x->to] || f->used[x->to] || !cycle_conflict(f->in, x->from, wanting->mode, x->from_mode))
            continue;
        if (depth + f->distance[x->to] > length) {
            f->cut = true;
            continue;
        }
        if (!find_free(f, &f->groups.at[x->group])) continue;
        find_push(f, a, 1);
        bool good = find_extend(f, start, length, dep);
        uint32_t popped = f->path.at[f->path.n - 1];
        if (good) return true;
        find_push(f, popped, -1);
    }
    return false;
}

static bool find_through(struct find *f, uint32_t arc, uint32_t *dep) {
    uint32_t start = f->arcs[arc].from, shortest = f->distance[f->arcs[arc].to];
    if (!shortest) return false;
    bool good = false;
    find_push(f, arc, 1);
    for (uint32_t length = shortest; !good && length <= f->longest && f->limit && f->steps; length++) {
        f->cut = false;
        good = find_extend(f, start, length, dep);
        if (!f->cut) break;
    }
    if (good) find_report(f, dep, f->path.at, (uint32_t)f->path.n);
    while (f->path.n)
        find_push(f, f->path.at[f->path.n - 1], -1);
    return good;
}

static int find_by_type(const void *pa, const void *pb, void *ctx) {
    const struct find *f = ctx;
    const struct find_arc *a = &f->arcs[*(const uint32_t *)pa], *b = &f->arcs[*(const uint32_t *)pb];
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void find_long(struct find *f) {
    size_t n = f->narcs;
    uint32_t *order = mem_new(n, sizeof *order), *into = mem_new(n, sizeof *into);
    uint32_t *into_at = mem_new((size_t)f->in->nlocks + 2, sizeof *into_at),
             *dep = mem_new((size_t)f->in->nlocks + 1, sizeof *dep);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        into_at[f->arcs[i].to + 2]++;
    }
    for (uint32_t l = 2; l <= f->in->nlocks + 1; l++)
        into_at[l] += into_at[l - 1];
    for (uint32_t i = 0; i < n; i++)
        into[into_at[f->arcs[i].to + 1]++] = i;
    if (n > 1) qsort_r(order, n, sizeof *order, find_by_type, f);
    for (size_t i = 0; i < n && f->steps; i++) {
        uint32_t type = f->arcs[order[i]].type;
        if (i == 0 || f->arcs[order[i - 1]].type != type) f->limit = FIND_TYPE_BUDGET;
        if (f->covered[type] || f->limit == 0) continue;
        find_distances(f, into, into_at, f->arcs[order[i]].from);
        find_through(f, order[i], dep);
    }
    free(order);
    free(into);
    free(into_at);
    free(dep);
}

static uint32_t find_count_threads(struct find *f, const bool *dead) {
    uint32_t n = 0;
    for (size_t i = 0; i < f->in->ndeps; i++) {
        uint32_t t = f->in->deps[i].thread;
        if (dead[i] || t >= f->nthreads || f->busy[t]) continue;
        f->busy[t] = true;
        n++;
    }
    memset(f->busy, 0, f->nthreads * sizeof *f->busy);
    return n;
}

void cycle_find(const struct cycle_input *in, struct cycle_result *out) {
    bool *dead = mem_new(in->ndeps, sizeof *dead);
    struct find f = {.in = in, .out = out, .steps = in->budget ? in->budget : FIND_BUDGET};
    cycle_reduce(in, dead);
    for (size_t i = 0; i < in->ndeps; i++)
        out->left += !dead[i];
    if (out->left) {
        size_t n = (size_t)in->nlocks + 1;
        cycle_group(in, dead, &out->arena, &f.groups);
        cycle_split(in, &out->arena, &f.groups);
        find_arcs(&f);
        f.covered = mem_new((size_t)f.ntypes + 1, sizeof *f.covered);
        f.distance = mem_new(n, sizeof *f.distance);
        f.held_x = mem_new(n, sizeof *f.held_x);
        f.held_s = mem_new(n, sizeof *f.held_s);
        f.used = mem_new(n, sizeof *f.used);
        for (size_t i = 0; i < in->ndeps; i++)
            if (!dead[i] && in->deps[i].thread >= f.nthreads && in->deps[i].thread < UINT32_MAX)
                f.nthreads = in->deps[i].thread + 1;
        f.busy = mem_new(f.nthreads, sizeof *f.busy);
        f.longest = find_count_threads(&f, dead);
        find_twos(&f);
        find_long(&f);
    }
    HASH_CLEAR(hh, f.types);
    HASH_CLEAR(hh, f.pairs);
    free(dead);
    free(f.arcs);
    free(f.from_at);
    free(f.covered);
    free(f.distance);
    free(f.held_x);
    free(f.held_s);
    free(f.used);
    free(f.busy);
    vec_free(&f.path);
    vec_free(&f.touched);
}

void cycle_result_free(struct cycle_result *r) {
    vec_free(&r->found);
    arena_free(&r->arena);
}
