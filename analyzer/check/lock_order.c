/* lock-order-cycle: dependencies of the record to the cycle finder, and what it finds into sentences. */
#include "base/strbuf.h"
#include "check/check.h"
#include "check/cycle.h"
#include "finding/names.h"
#include "model/locks.h"

#include <inttypes.h>
#include <string.h>

enum {
    LOCK_ORDER_LOOKED = 20000, /* dependencies on one lock that are looked at for other places */
    LOCK_ORDER_SHOWN = 2000    /* cycles told one by one; nobody reads more, the rest is counted */
};

struct lock_order {
    struct check *c;
    struct arena arena;
    VEC(struct cycle_dep) deps;
    VEC(const struct twatch_dep *) from; /* same index */
    struct locks_classes *classes;
    uint32_t *of,
            *by_object; /* object -> indices of the dependencies that want it; made when there is something to report */
    bool *is_lock, *written, *reader_blocks; /* per object */
};

static const struct twatch_dep_held *lock_order_held(const struct twatch_dep *d, uint32_t lock) {
    for (uint32_t i = 0; i < d->nheld; i++)
        if (d->held[i].object == lock) return &d->held[i];
    return NULL;
}

/* The held set without duplicates (recursion) and without what is no lock; NULL when the dependency can be in no cycle.
 */
static const struct cycle_held *lock_order_set(struct lock_order *l, const struct twatch_dep *d, uint32_t *n) {
    struct cycle_held *set = arena_array(&l->arena, d->nheld ? d->nheld : 1, sizeof *set);
    *n = 0;
    for (uint32_t i = 0; i < d->nheld; i++) {
        const struct twatch_dep_held *h = &d->held[i];
        if (h->object == d->object) return NULL; /* recursion, or a reader again: no waiting for another thread */
        if (!l->is_lock[h->object] || h->flags & TWATCH_DEP_HELD_FRESH) continue;
        uint32_t k = 0;
        while (k < *n && set[k].lock != h->object &&
                *n <= 64) /* a true held set has no duplicates beyond recursion; do not go quadratic on a false one */
            k++;
        if (k < *n && set[k].lock == h->object) {
            if (h->mode == TWATCH_MODE_EXCLUSIVE) set[k].mode = TWATCH_MODE_EXCLUSIVE;
        } else {
            set[(*n)++] = (struct cycle_held){h->object, h->mode};
        }
    }
    return *n ? set : NULL;
}

static void lock_order_collect(struct lock_order *l) {
    const struct model *m = l->c->m;
    for (size_t i = 0; i < m->deps.n; i++) {
        const struct twatch_dep *d = model_dep(m, i);
        if (d->mode == TWATCH_MODE_EXCLUSIVE) l->written[d->object] = true;
        for (uint32_t k = 0; k < d->nheld; k++)
            if (d->held[k].mode == TWATCH_MODE_EXCLUSIVE) l->written[d->held[k].object] = true;
        if ((d->flags & TWATCH_DEP_TRY) || !l->is_lock[d->object]) continue;
        uint32_t n;
        const struct cycle_held *set = lock_order_set(l, d, &n);
        if (!set) continue;
        vec_push(&l->deps, (struct cycle_dep){.thread = d->thread,
                                   .lock = d->object,
                                   .held = set,
                                   .nheld = n,
                                   .mode = d->mode,
                                   .timed = (d->flags & TWATCH_DEP_TIMED) != 0});
        vec_push(&l->from, d);
    }
}

/* A reader waits behind a reader only where a writer may be queued in front of it: glibc's writer-preferring kind, and
 * somebody who writes. */
static void lock_order_readers(struct lock_order *l) {
    for (uint32_t i = 1; i < l->c->m->objects.n; i++) {
        const struct twatch_object *o = model_object(l->c->m, i);
        l->reader_blocks[i] = o && o->kind == TWATCH_OBJ_RWLOCK &&
                              o->type == TWATCH_TYPE_RW_PREFER_WRITER_NONRECURSIVE && l->written[i];
    }
}

/* The known segments of a dependency, oldest first; *gap: index behind which segments were not kept (between [gap - 1]
 * and [gap]), 0 none. */
static uint32_t lock_order_segments(const struct twatch_dep *d, uint32_t out[TWATCH_DEP_SEGMENTS], uint32_t *gap) {
    uint32_t n = d->nsegments, kept = 0;
    *gap = n > TWATCH_DEP_SEGMENTS ? 4 : 0;
    for (uint32_t i = 0; i < 4 && i < n; i++)
        out[kept++] = d->segments[i];
    for (uint32_t i = n > 8 ? n - 4 : 4; i < n; i++)
        out[kept++] = d->segments[4 + i % 4];
    return kept;
}

/* Segments of one dependency only grow, so the ones that were not kept lie between their neighbours. */
static bool lock_order_span(
        struct order *o, uint32_t t1, uint32_t lo1, uint32_t hi1, uint32_t t2, uint32_t lo2, uint32_t hi2) {
    return order_before(o, t1, hi1, t2, lo2) || order_before(o, t2, hi2, t1, lo1);
}

static bool lock_order_ordered(void *ctx, size_t a, size_t b) {
    const struct lock_order *l = ctx;
    const struct twatch_dep *x = l->from.at[a], *y = l->from.at[b];
    uint32_t sx[TWATCH_DEP_SEGMENTS], sy[TWATCH_DEP_SEGMENTS], gx, gy;
    uint32_t nx = lock_order_segments(x, sx, &gx), ny = lock_order_segments(y, sy, &gy);
    if (nx == 0 || ny == 0) return false;
    if (lock_order_span(l->c->order, x->thread, sx[0], sx[nx - 1], y->thread, sy[0], sy[ny - 1])) return true;
    for (uint32_t i = 0; i < nx; i++)
        for (uint32_t k = 0; k < ny; k++) {
            uint32_t lx = gx && i == gx ? sx[i - 1] : sx[i], ly = gy && k == gy ? sy[k - 1] : sy[k];
            if (!lock_order_span(l->c->order, x->thread, lx, sx[i], y->thread, ly, sy[k])) return false;
        }
    return true;
}

static void lock_order_index(struct lock_order *l) {
    size_t n = (size_t)l->c->m->objects.n + 2;
    l->of = arena_array(&l->arena, n + 1, sizeof *l->of);
    l->by_object = arena_array(&l->arena, l->from.n + 1, sizeof *l->by_object);
    for (size_t i = 0; i < l->from.n; i++)
        l->of[l->from.at[i]->object + 2]++;
    for (size_t o = 2; o < n; o++)
        l->of[o] += l->of[o - 1];
    for (uint32_t i = 0; i < l->from.n; i++)
        l->by_object[l->of[l->from.at[i]->object + 1]++] = i;
}

static uint32_t lock_order_class(void *ctx, uint32_t lock) {
    return locks_class(((struct lock_order *)ctx)->classes, lock);
}

/* Other places where the same pair was taken in the same order: one line each, at most a few. */
static void lock_order_others(struct lock_order *l, struct draft *d, const struct twatch_dep *shown, uint32_t held) {
    enum { SHOWN = 5 };
    const char *seen[SHOWN] = {names_place(l->c->m, &l->arena, shown->stack, shown->site)};
    size_t nseen = 1, more = 0;
    for (size_t i = l->of[shown->object]; i < l->of[shown->object + 1] && i < l->of[shown->object] + LOCK_ORDER_LOOKED;
            i++) {
        const struct twatch_dep *x = l->from.at[l->by_object[i]];
        if ((x->site == shown->site && x->stack == shown->stack) || !lock_order_held(x, held)) continue;
        const char *place = names_place(l->c->m, &l->arena, x->stack, x->site);
        bool old = !place;
        for (size_t k = 0; !old && k < nseen; k++)
            old = seen[k] && strcmp(seen[k], place) == 0;
        if (old) continue;
        if (nseen == SHOWN) {
            more++;
            break;
        }
        seen[nseen++] = place;
        draft_detail(d, "%s is also wanted while holding %s in %s",
                draft_object_name(d, draft_object(d, shown->object)), draft_object_name(d, draft_object(d, held)),
                place);
    }
    if (more) draft_detail(d, "and in more places");
}

static const char *lock_order_want_note(struct lock_order *l, const struct twatch_dep *d, bool waits_for_reader) {
    if (d->flags & TWATCH_DEP_TIMED) return "with a time limit";
    if (waits_for_reader) return "to read: waits when a writer is queued";
    const struct twatch_object *o = model_object(l->c->m, d->object);
    if (o->kind == TWATCH_OBJ_RWLOCK) return d->mode == TWATCH_MODE_SHARED ? "to read" : "to write";
    return NULL;
}

static void lock_order_steps(struct lock_order *l, struct draft *d, const struct cycle_found *found) {
    uint32_t n = found->length;
    for (uint32_t i = 0; i < n; i++) {
        const struct twatch_dep *before = l->from.at[found->dep[(i + n - 1) % n]], *x = l->from.at[found->dep[i]];
        const struct twatch_dep *after = l->from.at[found->dep[(i + 1) % n]];
        const struct twatch_dep_held *h = lock_order_held(x, before->object),
                                     *theirs = lock_order_held(after, x->object);
        uint32_t t = draft_thread(d, x->thread);
        int32_t holds = draft_object(d, h->object), wants = draft_object(d, x->object);
        bool reader = x->mode == TWATCH_MODE_SHARED && theirs && theirs->mode == TWATCH_MODE_SHARED;
        draft_step(d, t, ACTION_HOLDS, holds, h->stack, h->site, h->mode == TWATCH_MODE_SHARED ? "to read" : NULL);
        draft_step(d, t, ACTION_WANTS, wants, x->stack, x->site, lock_order_want_note(l, x, reader));
        for (uint32_t k = 0; k < x->nheld; k++)
            if (l->is_lock[x->held[k].object] && k < 64) draft_step_held(d, draft_object(d, x->held[k].object));
        if (x->flags & TWATCH_DEP_TIMED) draft_finding(d)->severity = SEVERITY_WARNING;
    }
}

static void lock_order_message(struct lock_order *l, struct draft *d, const struct cycle_found *found) {
    struct strbuf text = {0};
    uint32_t n = found->length, shown = n <= 6 ? n : 6;
    for (uint32_t i = 0; i < shown; i++) {
        const struct twatch_dep *before = l->from.at[found->dep[(i + n - 1) % n]], *x = l->from.at[found->dep[i]];
        if (i) strbuf_puts(&text, i + 1 == n ? " and " : ", ");
        strbuf_printf(&text, "%s takes %s while holding %s", names_thread(l->c->m, &l->arena, x->thread),
                draft_object_name(d, draft_object(d, x->object)),
                draft_object_name(d, draft_object(d, before->object)));
    }
    if (shown < n) strbuf_printf(&text, ", and so on around %u locks", n);
    draft_message(d, "these locks are taken in orders that can deadlock: %s", strbuf_text(&text));
    if (found->count > 1)
        draft_detail(d, "the same happens with %" PRIu64 " different sets of locks of these kinds", found->count);
    strbuf_free(&text);
}

static void lock_order_report(struct lock_order *l, const struct cycle_found *found) {
    struct draft *d = draft_begin(l->c->out, check_rule(RULE_LOCK_ORDER_CYCLE), l->c->m);
    draft_finding(d)->confidence = CONFIDENCE_POSSIBLE;
    draft_finding(d)->count = found->count;
    lock_order_steps(l, d, found);
    lock_order_message(l, d, found);
    for (uint32_t i = 0; i < found->length && found->length <= 4; i++) {
        const struct twatch_dep *before = l->from.at[found->dep[(i + found->length - 1) % found->length]];
        lock_order_others(l, d, l->from.at[found->dep[i]], before->object);
    }
    draft_end(d);
}

static void lock_order_exhausted(struct lock_order *l, const struct cycle_result *r) {
    struct draft *d = draft_begin(l->c->out, check_rule(RULE_LOCK_ORDER_CYCLE), l->c->m);
    draft_finding(d)->severity = SEVERITY_NOTE;
    draft_finding(d)->confidence = CONFIDENCE_POSSIBLE;
    draft_message(d,
            "the search for lock-order cycles was ended after %" PRIu64
            " steps among %zu dependencies: there may be more than the ones listed",
            r->steps, r->left);
    draft_end(d);
}

static void lock_order_more(struct lock_order *l, size_t n) {
    struct draft *d = draft_begin(l->c->out, check_rule(RULE_LOCK_ORDER_CYCLE), l->c->m);
    draft_finding(d)->confidence = CONFIDENCE_POSSIBLE;
    draft_finding(d)->count = n;
    draft_message(d, "%zu more cycles of locks were found and are not listed", n);
    draft_end(d);
}

void check_lock_order(struct check *c) {
    struct lock_order l = {.c = c};
    size_t n = (size_t)c->m->objects.n + 1;
    l.is_lock = arena_array(&l.arena, n, sizeof *l.is_lock);
    l.written = arena_array(&l.arena, n, sizeof *l.written);
    l.reader_blocks = arena_array(&l.arena, n, sizeof *l.reader_blocks);
    for (uint32_t i = 1; i < c->m->objects.n; i++)
        l.is_lock[i] = locks_is_lock(c->m, i);
    lock_order_collect(&l);
    lock_order_readers(&l);
    struct cycle_input in = {.deps = l.deps.at,
            .ndeps = l.deps.n,
            .nlocks = c->m->objects.n,
            .reader_blocks = l.reader_blocks,
            .ordered = lock_order_ordered,
            .class_of = lock_order_class,
            .ctx = &l};
    struct cycle_result r = {0};
    l.classes = locks_classes_new(c->m);
    if (l.deps.n) cycle_find(&in, &r);
    if (r.found.n) lock_order_index(&l);
    for (size_t i = 0; i < r.found.n && i < LOCK_ORDER_SHOWN; i++)
        lock_order_report(&l, &r.found.at[i]);
    if (r.found.n > LOCK_ORDER_SHOWN) lock_order_more(&l, r.found.n - LOCK_ORDER_SHOWN);
    if (r.exhausted) lock_order_exhausted(&l, &r);
    cycle_result_free(&r);
    locks_classes_free(l.classes);
    vec_free(&l.deps);
    vec_free(&l.from);
    arena_free(&l.arena);
}
