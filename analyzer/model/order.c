/*
 * Reachability in the graph of creates and joins. Nearly all programs join a thread in the one that created it, and
 * then "t1 before t2" means: climb from t1 along joins to some ancestor a, and go down from there along creates. So the
 * creation tree gets interval labels (a thread's descendants are a range, ordered by the segment in which each child
 * was made: those made from a segment on are a tail of that range), and a query climbs once and tests ranges. Joins by
 * another thread than the creator are kept in a list sorted by label and followed where they lie in such a tail.
 */
#include "model/order.h"
#include "base/hash.h"

#include <string.h>

struct order_point { /* everything of `thread` from `segment` on */
    uint32_t thread, segment;
};

struct order_source { /* memo: what is reached from one point, through joins */
    struct order_point key;
    struct order_point *reached;
    uint32_t nreached;
    UT_hash_handle hh;
};

struct order {
    const struct model *m;
    uint32_t n;
    uint32_t *in, *out;      /* labels: descendants of t, itself included, are in[t] .. out[t] - 1 */
    uint32_t *child, *first; /* children of t: child[first[t]] .. child[first[t + 1] - 1], by segment */
    uint32_t *strange;       /* threads joined by another than their creator, by label */
    uint32_t nstrange;
    uint32_t *mark; /* of the search: segment + 1 reached so far */
    struct arena arena;
    struct order_source *sources;
    size_t nmemo;
};

static uint32_t order_parent(const struct order *o, uint32_t t) {
    const struct twatch_thread *x = model_thread(o->m, t);
    /* Ids are given before the thread exists, so a parent's is smaller; anything else is damage and makes no edge. */
    return x && x->parent < t && model_thread(o->m, x->parent) ? x->parent : 0;
}

static uint32_t order_joiner(const struct order *o, uint32_t t) {
    const struct twatch_thread *x = model_thread(o->m, t);
    return x && x->joiner != t && (x->flags & TWATCH_THREAD_JOINED) && model_thread(o->m, x->joiner) ? x->joiner : 0;
}

static uint32_t order_birth(const struct order *o, uint32_t t) {
    return model_thread(o->m, t)->parent_segment;
}

static void order_children(struct order *o) {
    for (uint32_t t = 1; t < o->n; t++)
        if (order_parent(o, t)) o->first[order_parent(o, t) + 1]++;
    for (uint32_t t = 0; t < o->n; t++)
        o->first[t + 1] += o->first[t];
    uint32_t *next = mem_new(o->n + 1, sizeof *next);
    memcpy(next, o->first, o->n * sizeof *next);
    for (uint32_t t = 1; t < o->n; t++) {
        uint32_t p = order_parent(o, t);
        if (!p) continue;
        uint32_t at = next[p]++;
        /* Already sorted in every true record: one thread makes its children one after the other. */
        for (; at > o->first[p] && at - o->first[p] < 64 && order_birth(o, o->child[at - 1]) > order_birth(o, t); at--)
            o->child[at] = o->child[at - 1];
        o->child[at] = t;
    }
    free(next);
}

static void order_labels(struct order *o) {
    uint32_t *size = mem_new(o->n + 1, sizeof *size), label = 0;
    for (uint32_t t = o->n; t-- > 1;) { /* children have larger ids: their sizes are complete */
        size[t]++;
        if (order_parent(o, t)) size[order_parent(o, t)] += size[t];
    }
    for (uint32_t t = 1; t < o->n; t++) {
        if (!order_parent(o, t)) {
            o->in[t] = label;
            label += size[t];
        }
        o->out[t] = o->in[t] + size[t];
        uint32_t at = o->in[t] + 1;
        for (uint32_t k = o->first[t]; k < o->first[t + 1]; k++) {
            o->in[o->child[k]] = at;
            at += size[o->child[k]];
        }
    }
    free(size);
}

static void order_strange(struct order *o) {
    uint32_t *by_label = mem_new(o->n + 1, sizeof *by_label);
    for (uint32_t t = 1; t < o->n; t++)
        by_label[o->in[t]] = t;
    for (uint32_t i = 0; i < o->n; i++) {
        uint32_t t = by_label[i], j = t ? order_joiner(o, t) : 0;
        if (j && j != order_parent(o, t)) o->strange[o->nstrange++] = t;
    }
    free(by_label);
}

struct order *order_new(const struct model *m) {
    struct order *o = mem_new(1, sizeof *o);
    o->m = m;
    o->n = m->threads.n;
    size_t n = (size_t)o->n + 2;
    o->in = mem_new(n, sizeof *o->in);
    o->out = mem_new(n, sizeof *o->out);
    o->child = mem_new(n, sizeof *o->child);
    o->first = mem_new(n, sizeof *o->first);
    o->strange = mem_new(n, sizeof *o->strange);
    o->mark = mem_new(n, sizeof *o->mark);
    order_children(o);
    order_labels(o);
    order_strange(o);
    return o;
}

static void order_forget(struct order *o) {
    HASH_CLEAR(hh, o->sources);
    arena_free(&o->arena);
    o->nmemo = 0;
}

void order_free(struct order *o) {
    if (!o) return;
    order_forget(o);
    free(o->in);
    free(o->out);
    free(o->child);
    free(o->first);
    free(o->strange);
    free(o->mark);
    free(o);
}

/* Label of the first descendant of t that was made in `segment` or later; out[t] if there is none. */
static uint32_t order_tail(const struct order *o, uint32_t t, uint32_t segment) {
    uint32_t lo = o->first[t], hi = o->first[t + 1];
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (order_birth(o, o->child[mid]) < segment)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < o->first[t + 1] ? o->in[o->child[lo]] : o->out[t];
}

static bool order_reach(struct order *o, struct order_point p, struct order_point **list, uint32_t *n, uint32_t *cap) {
    if (o->mark[p.thread] && o->mark[p.thread] <= p.segment + 1) return false;
    o->mark[p.thread] = p.segment == UINT32_MAX ? UINT32_MAX : p.segment + 1;
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        *list = mem_grow(*list, *cap, sizeof **list);
    }
    (*list)[(*n)++] = p;
    return true;
}

static void order_follow(struct order *o, uint32_t t, struct order_point **list, uint32_t *n, uint32_t *cap) {
    uint32_t j = order_joiner(o, t);
    if (j) order_reach(o, (struct order_point){j, model_thread(o->m, t)->join_segment}, list, n, cap);
}

static void order_search(struct order *o, struct order_source *s) {
    struct order_point *list = NULL;
    uint32_t n = 0, cap = 0;
    order_reach(o, s->key, &list, &n, &cap);
    for (uint32_t i = 0; i < n; i++) {
        struct order_point p = list[i];
        order_follow(o, p.thread, &list, &n, &cap);
        uint32_t from = order_tail(o, p.thread, p.segment), lo = 0, hi = o->nstrange;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (o->in[o->strange[mid]] < from)
                lo = mid + 1;
            else
                hi = mid;
        }
        for (; lo < o->nstrange && o->in[o->strange[lo]] < o->out[p.thread]; lo++)
            order_follow(o, o->strange[lo], &list, &n, &cap);
    }
    for (uint32_t i = 0; i < n; i++)
        o->mark[list[i].thread] = 0;
    s->nreached = n;
    s->reached = arena_array(&o->arena, n, sizeof *list);
    memcpy(s->reached, list, n * sizeof *list);
    free(list);
}

static const struct order_source *order_source(struct order *o, struct order_point key) {
    enum { ORDER_MEMO = 1 << 20 }; /* points kept before the memo starts anew */
    struct order_source *s;
    HASH_FIND(hh, o->sources, &key, sizeof key, s);
    if (s) return s;
    if (o->nmemo > ORDER_MEMO) order_forget(o);
    s = arena_alloc(&o->arena, sizeof *s);
    s->key = key;
    order_search(o, s);
    o->nmemo += s->nreached + 8;
    HASH_ADD(hh, o->sources, key, sizeof key, s);
    return s;
}

bool order_before(struct order *o, uint32_t t1, uint32_t seg1, uint32_t t2, uint32_t seg2) {
    if (!model_thread(o->m, t1) || !model_thread(o->m, t2)) return false;
    if (t1 == t2) return seg1 < seg2;
    const struct order_source *s = order_source(o, (struct order_point){t1, seg1});
    for (uint32_t i = 0; i < s->nreached; i++) {
        struct order_point p = s->reached[i];
        if (p.thread == t2 && i > 0 && p.segment <= seg2) return true;
        if (o->in[t2] >= order_tail(o, p.thread, p.segment) && o->in[t2] < o->out[p.thread]) return true;
    }
    return false;
}
