/*
 * Pools: threads of one kind and one creator that wait for work at one queue, which is announced by others. A worker is
 * busy when it does not wait there. How many were busy at a time comes from the log of waits; pauses that are too short
 * for it count as busy, so that the number is never too small.
 */
#include "finding/names.h"
#include "model/interval.h"
#include "role/build.h"

#include <inttypes.h>
#include <string.h>

enum { LEAST_WORKERS = 2, LEAST_WORK = 3, LEAST_TASKS = 8, ALWAYS_PERCENT = 95, LOCK_PERCENT = 20, USED_PERCENT = 50 };
static const uint64_t LEAST_LIFE_NS = 50000000; /* of a worker, to judge the size of its pool */
/* From birth to the first wait, and from the last wake-up to the end: no task, when it is as short as this, or a
 * twentieth of the thread's life. */
static const uint64_t FIRST_STEPS_NS = 5000000;

struct pool {
    struct build_line *line;
    uint32_t group, parent;
    uint64_t wait_ns;   /* of the group at this line */
    uint64_t elsewhere; /* of the group at others */
    uint64_t waiters, outside, posts, woken;
};

struct pool_edge { /* of the number of busy workers */
    uint64_t at;
    int step;
};

typedef VEC(struct pool_edge) pool_edges;

struct pool_sum {
    const struct build *b;
    struct role_pool *out;
    pool_edges edges;
    uint64_t life, idle;
    uint64_t early;    /* idle before the first task was announced */
    uint64_t from, to; /* the pool's life */
    uint64_t work_ns;  /* when the first task was announced; 0: not known */
    uint64_t *by_lock; /* object -> time waited */
    double busy[ROLE_SLICES], alive[ROLE_SLICES];
};

/* Is this thread one of its workers? */
static bool pool_has(const struct build *b, const struct pool *pool, uint32_t id) {
    const struct twatch_thread *t = model_thread(b->m, id);
    return t && b->group_of[id] == pool->group && (t->parent == pool->parent || pool->line->crew);
}

static bool pool_is_lock(uint8_t kind) {
    return kind == TWATCH_OBJ_MUTEX || kind == TWATCH_OBJ_RWLOCK || kind == TWATCH_OBJ_SPIN;
}

static void pool_slices(const struct pool_sum *p, double *slices, uint64_t from, uint64_t to) {
    uint64_t start = p->from, length = p->to > p->from ? p->to - p->from : 1;
    double slice = (double)length / ROLE_SLICES;
    double x = from > start ? (double)(from - start) : 0, y = to > start ? (double)(to - start) : 0;
    for (unsigned i = 0; i < ROLE_SLICES; i++) {
        double low = slice * i, high = slice * (i + 1);
        double a = x > low ? x : low, z = y < high ? y : high;
        if (z > a) slices[i] += z - a;
    }
}

static void pool_busy(struct pool_sum *p, uint64_t from, uint64_t to) {
    if (to <= from) return;
    pool_slices(p, p->busy, from, to);
    vec_push(&p->edges, (struct pool_edge){from, 1});
    vec_push(&p->edges, (struct pool_edge){to, -1});
}

/* Goes through the waits of one worker. */
static void pool_worker(struct pool_sum *p, uint32_t line, uint32_t thread) {
    const struct model *m = p->b->m;
    const struct twatch_thread *t = model_thread(m, thread);
    uint64_t life = build_life(m, thread), at = t->birth_ns, end = t->birth_ns + life;
    size_t n;
    const struct twatch_interval *const *i = interval_of(m, thread, &n);
    bool first = true;
    uint64_t steps = life / 20 > FIRST_STEPS_NS ? life / 20 : FIRST_STEPS_NS;
    pool_slices(p, p->alive, at, end);
    for (; n--; i++) {
        if ((*i)->what != TWATCH_INTERVAL_WAIT) continue;
        if (pool_is_lock((*i)->kind)) p->by_lock[(*i)->object] += (*i)->duration_ns;
        if (!(*i)->object || p->b->line_of[(*i)->object] != line) continue;
        bool before_work =
                first && (*i)->start_ns < p->work_ns; /* however long it took: the machine was busy, not the worker */
        if (!first || ((*i)->start_ns - at >= steps && !before_work)) pool_busy(p, at, (*i)->start_ns);
        if (first && (*i)->start_ns < p->work_ns) {
            uint64_t until = (*i)->start_ns + (*i)->duration_ns;
            p->early += (until < p->work_ns ? until : p->work_ns) - (*i)->start_ns;
        }
        if ((*i)->start_ns + (*i)->duration_ns > at) at = (*i)->start_ns + (*i)->duration_ns;
        first = false;
    }
    bool over = t->end != TWATCH_THREAD_RUNNING && t->end != TWATCH_THREAD_PROCESS;
    if (at < end && (first || !over || end - at >= steps)) pool_busy(p, at, end);
}

static int pool_edge_order(const void *pa, const void *pb) {
    const struct pool_edge *x = pa, *y = pb;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->step < y->step ? -1 : x->step > y->step;
}

static uint32_t pool_most(pool_edges *e) {
    uint32_t most = 0, now = 0;
    if (e->n > 1) qsort(e->at, e->n, sizeof *e->at, pool_edge_order);
    for (size_t i = 0; i < e->n; i++) {
        now += (uint32_t)e->at[i].step;
        if (now > most) most = now;
    }
    return most;
}

/* ---- one pool ---- */

static void pool_say(
        const struct pool_sum *p, const struct pool *pool, const struct role_pool *o, struct build_says *s) {
    const struct twatch_header *h = p->b->m->header;
    uint64_t length = p->b->m->now_ns - h->start_ns, busy = p->life > p->idle ? p->life - p->idle : 0;
    uint64_t watched = h->idle_since_ns && p->b->m->now_ns > h->idle_since_ns ? p->b->m->now_ns - h->idle_since_ns : 0;
    unsigned used = build_percent(h->cpu_ns, length * (h->nprocs ? h->nprocs : 1));
    bool idle = h->cpu_ns && h->idle_ns &&
                h->idle_ns * 2 >= watched; /* half a processor at least, other programs considered */
    bool locked = o->lock && build_percent(o->lock_wait_ns, busy) >= LOCK_PERCENT;
    /* Who waits at a set of its own has work that is nobody else's. */
    bool shared = pool->line->kind != TWATCH_OBJ_EVENTS && !pool->line->crew;
    bool waits_for_work = shared && o->max_busy < o->size && p->life >= LEAST_LIFE_NS * o->size;
    bool queued = pool->line->crew                      ? false
                  : pool->line->kind == TWATCH_OBJ_COND ? o->found_nobody * 2 >= o->announced
                                                        : true;
    if (locked)
        build_say(s, "the workers waited for each other at %s %s, %u %% of the time that they were busy", o->lock_kind,
                o->lock, build_percent(o->lock_wait_ns, busy));
    if (waits_for_work && o->tasks >= LEAST_TASKS)
        build_say(s,
                "not more than %u of its %u workers %s busy at a time, but for their first and last steps: it is "
                "larger than it needs to be",
                o->max_busy, o->size, o->max_busy == 1 ? "was" : "were");
    if (build_percent(busy, p->life > p->early ? p->life - p->early : 0) >= ALWAYS_PERCENT && o->max_busy >= o->size &&
            queued && !locked) {
        if (idle && used < USED_PERCENT)
            build_say(s,
                    "all workers were busy all the time, while the processors had time to spare (%u %% used): more "
                    "workers would use it",
                    used);
        else
            build_say(s, "all workers were busy all the time");
    }
}

static uint32_t pool_alive(const struct build *b, const uint32_t *ids, size_t n) {
    pool_edges e = {0};
    for (size_t i = 0; i < n; i++) {
        const struct twatch_thread *t = model_thread(b->m, ids[i]);
        uint64_t life = build_life(b->m, ids[i]);
        if (!life) continue;
        vec_push(&e, (struct pool_edge){t->birth_ns, 1});
        vec_push(&e, (struct pool_edge){t->birth_ns + life, -1});
    }
    uint32_t most = pool_most(&e);
    vec_free(&e);
    return most;
}

static void pool_counts(struct pool_sum *p, const struct pool *pool) {
    const struct build_line *l = pool->line;
    struct role_pool *o = p->out;
    unsigned busiest = 0, idlest = 100;
    for (size_t i = l->from; i < l->to; i++) {
        const struct build_part *x = &p->b->parts.at[i];
        if (x->group != pool->group || !pool_has(p->b, pool, x->thread)) {
            o->announced += x->posts;
            o->found_nobody += x->to_nobody;
            continue;
        }
        uint64_t life = build_life(p->b->m, x->thread), idle = x->wait_ns < life ? x->wait_ns : life;
        unsigned busy = build_percent(life - idle, life);
        uint64_t idle_calls =
                l->kind == TWATCH_OBJ_SEM && !l->python ? x->posts : x->empty; /* permits that were passed on */
        o->tasks += x->waits > idle_calls ? x->waits - idle_calls : 0;
        if (x->wait_max_ns > o->idle_max_ns) o->idle_max_ns = x->wait_max_ns;
        if (busy > busiest) busiest = busy;
        if (busy < idlest) idlest = busy;
        p->idle += idle;
    }
    o->busiest_percent = busiest;
    o->idlest_percent = idlest;
}

static void pool_lock(struct pool_sum *p) {
    uint32_t most = 0;
    for (uint32_t id = 1; id < p->b->m->objects.n; id++)
        if (p->by_lock[id] > p->by_lock[most]) most = id;
    if (!most) return;
    p->out->lock = names_object(p->b->m, p->b->a, most);
    p->out->lock_kind = names_kind(model_object(p->b->m, most)->kind);
    p->out->lock_wait_ns = p->by_lock[most];
}

/* Workers that wait for events: all at one epoll set, or each at its own, as in event loops that are handed their
 * connections. */
static void pool_name_set(struct build *b, const struct pool *pool, struct role_pool *out) {
    uint32_t object = 0, sets = 0;
    for (size_t i = 0; i < b->m->uses.n; i++) {
        const struct twatch_use *u = model_use(b->m, i);
        if (u->object >= b->m->objects.n || b->line_of[u->object] != pool->line->index) continue;
        if (u->thread >= b->m->threads.n || b->group_of[u->thread] != pool->group || u->object == object) continue;
        object = u->object;
        sets++;
    }
    if (sets > 1) {
        out->queue_kind = "epoll set";
        out->queue = "of its own";
    } else if (object) {
        out->queue_kind = "descriptor";
        out->queue = names_object(b->m, b->a, object);
    }
}

static bool pool_fill(struct build *b, const struct pool *pool, struct role_pool *out) {
    struct pool_sum p = {.b = b, .out = out, .by_lock = mem_new((size_t)b->m->objects.n + 1, sizeof *p.by_lock)};
    struct build_says says = {.a = b->a};
    VEC(uint32_t) ids = {0};
    *out = (struct role_pool){.name = b->groups.at[pool->group]->name,
            .creator = names_thread(b->m, b->a, pool->parent),
            .queue_kind = build_line_kind(pool->line),
            .queue = build_line_name(b, pool->line)};
    if (pool->line->kind == TWATCH_OBJ_EVENTS) pool_name_set(b, pool, out);
    if (pool->line->crew) out->queue = "of its own";
    if (pool->line->grown) out->creator = "its own workers and others";
    for (uint32_t id = 1; id < b->m->threads.n; id++) {
        const struct twatch_thread *t = model_thread(b->m, id);
        if (!pool_has(b, pool, id) || t->end == TWATCH_THREAD_NOT_STARTED) continue;
        uint64_t life = build_life(b->m, id);
        if (!life) continue;
        vec_push(&ids, id);
        p.life += life;
        if (!p.from || t->birth_ns < p.from) p.from = t->birth_ns;
        if (t->birth_ns + life > p.to) p.to = t->birth_ns + life;
    }
    for (size_t i = pool->line->from; i < pool->line->to; i++) {
        uint64_t post = b->parts.at[i].first_post_ns;
        if (post && (!p.work_ns || post < p.work_ns)) p.work_ns = post;
    }
    for (size_t i = 0; i < ids.n; i++)
        pool_worker(&p, pool->line->index, ids.at[i]);
    out->nthreads = (uint32_t)ids.n;
    out->size = pool_alive(b, ids.at, ids.n);
    pool_counts(&p, pool);
    out->busy_percent = build_percent(p.life > p.idle ? p.life - p.idle : 0, p.life);
    out->max_busy = pool_most(&p.edges);
    if (out->max_busy > out->size) out->max_busy = out->size;
    if (out->max_busy == 0 && out->tasks) out->max_busy = 1; /* all of them too short for the log */
    double logged = 0;
    for (unsigned i = 0; i < ROLE_SLICES; i++)
        logged += p.busy[i];
    /* What is busy by the log includes the pauses that are too short for it: the counters know how much that is. */
    double truth = p.life > p.idle ? (double)(p.life - p.idle) : 0, scale = logged > truth ? truth / logged : 1;
    for (unsigned i = 0; i < ROLE_SLICES; i++)
        out->busy[i] = (unsigned char)(p.alive[i] > 0 ? p.busy[i] / p.alive[i] * scale * 100.0 + 0.5 : 0);
    pool_lock(&p);
    build_task_wait(b,
            &(struct build_pool){.line = pool->line,
                    .workers = ids.at,
                    .n = ids.n,
                    .size = out->size,
                    .busy_ns = p.life > p.idle ? p.life - p.idle : 0,
                    .announced = out->announced},
            &out->wait);
    bool good = out->size >= LEAST_WORKERS && p.life > 0;
    /* Threads that come and go with their connections wait for events, too. */
    if (pool->line->kind == TWATCH_OBJ_EVENTS) good = good && out->size == out->nthreads;
    if (good) pool_say(&p, pool, out, &says);
    out->says = build_said(&says);
    free(p.by_lock);
    vec_free(&p.edges);
    vec_free(&ids);
    return good;
}

/* ---- which there are ---- */

/* The creator of most threads of a part of a line. */
static uint32_t pool_parent(const struct build *b, size_t from, size_t to) {
    uint32_t parent = 0, votes = 0; /* the majority vote of Boyer and Moore, 1981 */
    for (size_t i = from; i < to; i++) {
        const struct twatch_thread *t = model_thread(b->m, b->parts.at[i].thread);
        if (!t) continue;
        if (votes == 0) parent = t->parent;
        votes += t->parent == parent ? 1u : (uint32_t)-1;
    }
    return parent;
}

static void pool_candidate(struct build *b, struct build_line *l, size_t from, size_t to, struct pool *best) {
    struct pool p = {.line = l, .group = b->parts.at[from].group, .parent = pool_parent(b, from, to)};
    uint64_t own = 0;
    for (size_t i = l->from; i < l->to; i++)
        p.posts += b->parts.at[i].posts;
    for (size_t i = from; i < to; i++) {
        p.wait_ns += b->parts.at[i].wait_ns;
        p.waiters += b->parts.at[i].wait_ns > 0;
        p.woken += b->parts.at[i].waits;
        own += b->parts.at[i].posts;
    }
    p.outside = p.posts - own;
    struct pool *to_beat = &best[p.group];
    const struct twatch_object *o = model_object(b->m, l->object);
    bool events = l->kind == TWATCH_OBJ_EVENTS; /* who announces work there is not seen */
    bool queue = o && (l->kind == TWATCH_OBJ_COND || l->python || build_semaphore_use(o) == ROLE_SIGNAL);
    bool fed = l->crew  ? true
               : events ? p.woken >= LEAST_TASKS
                        : queue && p.outside >= LEAST_WORK && p.outside * 10 >= p.posts;
    bool good = fed && p.parent && p.waiters >= LEAST_WORKERS && !l->room && !build_is_put(l);
    if (good && p.wait_ns > to_beat->wait_ns) {
        p.elsewhere = to_beat->elsewhere + to_beat->wait_ns;
        *to_beat = p;
    } else {
        to_beat->elsewhere += p.wait_ns;
    }
}

static int pool_order(const void *pa, const void *pb) {
    const struct role_pool *x = pa, *y = pb;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

void pool_build(struct build *b, struct roles *out) {
    struct pool *best = mem_new(b->groups.n + 1, sizeof *best);
    for (size_t k = 0; k < b->lines.n; k++) {
        struct build_line *l = b->lines.at[k];
        for (size_t from = l->from, to; from < l->to; from = to) {
            for (to = from + 1; to < l->to && b->parts.at[to].group == b->parts.at[from].group; to++)
                ;
            pool_candidate(b, l, from, to, best);
        }
    }
    struct role_pool *list = arena_array(b->a, b->groups.n, sizeof *list);
    for (size_t g = 0; g < b->groups.n; g++) {
        if (g == b->others || !best[g].line || best[g].elsewhere > best[g].wait_ns) continue;
        out->npools += pool_fill(b, &best[g], &list[out->npools]);
    }
    if (out->npools > 1) qsort(list, out->npools, sizeof *list, pool_order);
    out->pools = list;
    free(best);
}
