/* The parts of fill.h about locks: the contention table and the lock-order graph. */
#include "fill.h"

#include "base/hash.h"
#include "base/vec.h"
#include "finding/names.h"

#include <string.h>

typedef VEC(struct twatch_stat) fill_stats;

static int fill_by_place(const void *a, const void *b) {
    const struct twatch_stat *x = a, *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    if (x->stack != y->stack) return x->stack < y->stack ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static int fill_by_wait(const void *a, const void *b) {
    const struct twatch_stat *x = a, *y = b;
    if (x->wait_ns != y->wait_ns) return x->wait_ns > y->wait_ns ? -1 : 1;
    if (x->contended != y->contended) return x->contended > y->contended ? -1 : 1;
    return fill_by_place(a, b);
}

/* Threads count apart; the reader wants one row a lock and place. */
static void fill_fold(fill_stats *s) {
    size_t n = 0;
    if (s->n) qsort(s->at, s->n, sizeof *s->at, fill_by_place);
    for (size_t i = 0; i < s->n; i++) {
        if (n == 0 || fill_by_place(&s->at[n - 1], &s->at[i]) != 0) {
            s->at[n++] = s->at[i];
            continue;
        }
        struct twatch_stat *to = &s->at[n - 1];
        const struct twatch_stat *from = &s->at[i];
        to->contended += from->contended;
        to->wait_ns += from->wait_ns;
        to->holds += from->holds;
        to->hold_ns += from->hold_ns;
        if (from->wait_max_ns > to->wait_max_ns) to->wait_max_ns = from->wait_max_ns;
        if (from->hold_max_ns > to->hold_max_ns) to->hold_max_ns = from->hold_max_ns;
    }
    s->n = n;
    if (n) qsort(s->at, n, sizeof *s->at, fill_by_wait);
}

/* Semaphores and condition variables are counted per thread; those that are in the statistics already stay as they are
 * there. */
static void fill_uses(fill_stats *s, const struct model *m) {
    unsigned char *seen = mem_new((size_t)m->objects.n + 1, 1);
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].object < m->objects.n) seen[s->at[i].object] = 1;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        const struct twatch_object *o = u ? model_object(m, u->object) : NULL;
        if (!o || o->kind == TWATCH_OBJ_EVENTS || !u->blocked || u->object >= m->objects.n || seen[u->object]) continue;
        vec_push(s, (struct twatch_stat){.object = u->object,
                            .stack = u->wait_stack,
                            .contended = u->blocked,
                            .wait_ns = u->wait_ns,
                            .wait_max_ns = u->wait_max_ns});
    }
    free(seen);
}

void fill_contention(struct report_run *run, struct arena *a, const struct model *m) {
    fill_stats s = {0};
    for (size_t i = 0; i < m->stats.n; i++) {
        const struct twatch_stat *x = model_stat(m, i);
        if (x && (x->object == 0 || model_object(m, x->object)) && x->contended) vec_push(&s, *x);
    }
    fill_uses(&s, m);
    fill_fold(&s);
    struct report_contention *rows = arena_array(a, s.n, sizeof *rows);
    for (size_t i = 0; i < s.n; i++) {
        const struct twatch_stat *x = &s.at[i];
        const struct twatch_object *o = model_object(m, x->object);
        rows[i] = (struct report_contention){.name = o ? names_object(m, a, x->object) : "others, too many to tell apart",
                .kind = names_kind(o ? o->kind : 0),
                .stack = x->stack,
                .site = x->site,
                .acquisitions = o ? o->acquisitions : 0,
                .contended = x->contended,
                .wait_ns = x->wait_ns,
                .wait_max_ns = x->wait_max_ns,
                .holds = x->holds,
                .hold_ns = x->hold_ns,
                .hold_max_ns = x->hold_max_ns};
    }
    run->contention = rows;
    run->ncontention = s.n;
    vec_free(&s);
}

/* ---- the lock-order graph ------------------------------------------------------------------------------------------
 */

struct fill_edge {
    uint32_t key[2]; /* object ids: from, to */
    uint64_t count;
    UT_hash_handle hh;
};

struct fill_graph {
    struct arena arena;
    struct fill_edge *table;
    size_t n;
    uint32_t *node; /* object id -> index + 1 */
};

static void fill_edge_add(struct fill_graph *g, uint32_t from, uint32_t to, uint64_t count) {
    uint32_t key[2] = {from, to};
    struct fill_edge *e;
    HASH_FIND(hh, g->table, key, sizeof key, e);
    if (!e) {
        e = arena_alloc(&g->arena, sizeof *e);
        memcpy(e->key, key, sizeof key);
        HASH_ADD(hh, g->table, key, sizeof key, e);
        g->n++;
    }
    e->count += count;
}

static int fill_edge_order(const void *a, const void *b) {
    const struct report_edge *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/*
 * Marks the edges that lie on a circle: both ends in one strongly connected component, by Tarjan's algorithm
 * ("Depth-first search and linear graph algorithms", 1972) with a stack of its own, since a chain of locks may be as
 * long as the record allows. Edges are sorted by `from`.
 */
static void fill_mark_circles(struct report_edge *edges, size_t nedges, size_t nnodes) {
    uint32_t *first = mem_new(nnodes + 2, sizeof *first), *index = mem_new(nnodes + 1, sizeof *index),
             *low = mem_new(nnodes + 1, sizeof *low);
    uint32_t *component = mem_new(nnodes + 1, sizeof *component), *open = mem_new(nnodes + 1, sizeof *open);
    uint32_t *path = mem_new(nnodes + 1, sizeof *path), *at = mem_new(nnodes + 1, sizeof *at);
    uint32_t counter = 0, ncomponents = 0;
    size_t nopen = 0;
    for (size_t e = 0; e < nedges; e++)
        first[edges[e].from + 1]++;
    for (size_t v = 0; v < nnodes; v++)
        first[v + 1] += first[v];
    for (uint32_t root = 0; root < nnodes; root++) {
        size_t depth = 0;
        if (index[root]) continue;
        path[depth++] = root;
        while (depth) {
            uint32_t v = path[depth - 1];
            if (!index[v]) {
                index[v] = low[v] = ++counter;
                at[v] = first[v];
                open[nopen++] = v;
            }
            bool descended = false;
            for (; at[v] < first[v + 1]; at[v]++) {
                uint32_t w = edges[at[v]].to;
                if (!index[w]) {
                    path[depth++] = w;
                    descended = true;
                    break;
                }
                if (!component[w] && low[w] < low[v]) low[v] = low[w];
            }
            if (descended) continue;
            depth--;
            if (depth && low[v] < low[path[depth - 1]]) low[path[depth - 1]] = low[v];
            if (low[v] != index[v]) continue;
            ncomponents++;
            do
                component[open[--nopen]] = ncomponents;
            while (open[nopen] != v);
        }
    }
    for (size_t e = 0; e < nedges; e++)
        edges[e].reverse = edges[e].from != edges[e].to && component[edges[e].from] == component[edges[e].to];
    free(first), free(index), free(low), free(component), free(open), free(path), free(at);
}

static uint32_t fill_node(struct fill_graph *g, uint32_t object, uint32_t *n) {
    if (!g->node[object]) g->node[object] = ++*n;
    return g->node[object] - 1;
}

void fill_graph(struct report_run *run, struct arena *a, const struct model *m) {
    struct fill_graph g = {.node = mem_new((size_t)m->objects.n + 1, sizeof *g.node)};
    for (size_t i = 0; i < m->deps.n; i++) {
        const struct twatch_dep *d = model_dep(m, i);
        for (uint32_t k = 0; d && k < d->nheld; k++)
            if (model_object(m, d->object) && model_object(m, d->held[k].object))
                fill_edge_add(&g, d->held[k].object, d->object, d->count);
    }
    struct report_edge *edges = arena_array(a, g.n, sizeof *edges);
    uint32_t nnodes = 0;
    struct fill_edge *e, *next;
    HASH_ITER(hh, g.table, e, next) { /* in the order of the record */
        uint32_t from = fill_node(&g, e->key[0], &nnodes), to = fill_node(&g, e->key[1], &nnodes);
        edges[run->nedges++] = (struct report_edge){.from = from, .to = to, .count = e->count};
    }
    HASH_CLEAR(hh, g.table);
    if (run->nedges) qsort(edges, run->nedges, sizeof *edges, fill_edge_order);
    fill_mark_circles(edges, run->nedges, nnodes);
    struct report_node *nodes = arena_array(a, nnodes, sizeof *nodes);
    for (uint32_t id = 1; id < m->objects.n; id++) {
        const struct twatch_object *o = model_object(m, id);
        if (o && g.node[id]) nodes[g.node[id] - 1] = (struct report_node){names_object(m, a, id), names_kind(o->kind)};
    }
    run->nodes = nodes;
    run->nnodes = nnodes;
    run->edges = edges;
    free(g.node);
    arena_free(&g.arena);
}
