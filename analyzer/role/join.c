/*
 * Who waited for whose end. Threads that are made and joined one after the other never run side by side: then the
 * threads buy nothing. CPython joins through a lock that the thread itself makes and gives back at its end
 * (Thread._set_tstate_lock).
 */
#include "finding/names.h"
#include "model/interval.h"
#include "role/build.h"

#include <inttypes.h>
#include <string.h>

enum { LEAST_SERIAL = 3 };
static const uint64_t LEAST_LIFE_NS = 1000000; /* on average: shorter threads are thread-churn's business */

struct join { /* of one thread by another */
    uint32_t joiner, joined, group;
    uint64_t at, wait_ns;
};

typedef VEC(struct join) join_list;

static bool join_is_python(const struct model *m, const struct twatch_object *o) {
    static const char maker[] = "Thread._set_tstate_lock\n";
    const struct twatch_stack *s = o && o->kind == TWATCH_OBJ_SEM ? model_stack(m, o->create_stack) : NULL;
    char frame[512];
    for (uint16_t i = 0; s && i < s->nframes && i < 4; i++)
        if (build_python_frame(m, s->pc[i], frame, sizeof frame)) return strncmp(frame, maker, sizeof maker - 1) == 0;
    return false;
}

static int join_order(const void *pa, const void *pb) {
    const struct join *x = pa, *y = pb;
    if (x->joiner != y->joiner) return x->joiner < y->joiner ? -1 : 1;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    if (x->joined != y->joined) return x->joined < y->joined ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void join_collect(const struct build *b, join_list *all) {
    const struct model *m = b->m;
    uint64_t *waited = mem_new((size_t)m->threads.n + 1, sizeof *waited);
    for (size_t i = 0; i < m->intervals.n; i++) {
        const struct twatch_interval *x = model_interval(m, i);
        const struct twatch_thread *t = x->kind == TWATCH_OBJ_THREAD ? model_thread(m, x->other) : NULL;
        if (t && x->what == TWATCH_INTERVAL_WAIT && t->joiner == x->thread) waited[x->other] += x->duration_ns;
    }
    for (uint32_t id = 1; id < m->threads.n; id++) {
        const struct twatch_thread *t = model_thread(m, id);
        if (!t || !t->joiner || !model_thread(m, t->joiner)) continue;
        vec_push(all, (struct join){t->joiner, id, b->group_of[id], t->join_ns, waited[id]});
    }
    free(waited);
    for (size_t i = 0; m->header->flags & TWATCH_HDR_PYTHON && i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        const struct twatch_object *o = model_object(m, u->object);
        if (!u->waits || !model_thread(m, u->thread) || !join_is_python(m, o) || o->creator == u->thread) continue;
        if (!model_thread(m, o->creator)) continue;
        vec_push(all, (struct join){u->thread, o->creator, b->group_of[o->creator], u->last_ns, u->wait_ns});
    }
    if (all->n > 1) qsort(all->at, all->n, sizeof *all->at, join_order);
}

/* Was this thread made after the one before had been joined? */
static bool join_follows(const struct build *b, const struct join *j) {
    const struct twatch_thread *t = model_thread(b->m, j->joined);
    return t->parent == j->joiner && j[-1].at && t->birth_ns >= j[-1].at;
}

/* The longest row of threads of which each was made after the one before had been joined. */
static void join_series(const struct build *b, const struct join *j, size_t n, struct role_join *out) {
    uint32_t row = 0;
    uint64_t lives = 0;
    for (size_t i = 0; i < n; i++) {
        bool goes_on = row && join_follows(b, &j[i]);
        uint64_t life = build_life(b->m, j[i].joined);
        row = goes_on ? row + 1 : model_thread(b->m, j[i].joined)->parent == j[i].joiner;
        lives = goes_on ? lives + life : life;
        bool ends = i + 1 == n || !row || !join_follows(b, &j[i + 1]);
        if (ends && row >= LEAST_SERIAL && row > out->serial && lives >= row * LEAST_LIFE_NS) {
            out->serial = row;
            out->serial_ns = lives;
        }
    }
}

static void join_fill(const struct build *b, const struct join *j, size_t n, struct role_join *out) {
    struct build_says s = {.a = b->a};
    *out = (struct role_join){.joiner = names_thread(b->m, b->a, j->joiner),
            .joiner_id = j->joiner,
            .joined = b->groups.at[j->group]->name,
            .n = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        out->wait_ns += j[i].wait_ns;
        out->waited += j[i].wait_ns > 0;
        if (j[i].wait_ns > out->wait_max_ns) {
            out->wait_max_ns = j[i].wait_ns;
            out->longest = j[i].joined;
        }
    }
    join_series(b, j, n, out);
    if (out->serial)
        build_say(&s,
                "%u of them were made and joined one after the other and never ran side by side, %s in all: "
                "make all of them before joining the first",
                out->serial, names_duration(b->a, out->serial_ns));
    out->says = build_said(&s);
}

static int join_longest(const void *pa, const void *pb) {
    const struct role_join *x = pa, *y = pb;
    if (x->wait_ns != y->wait_ns) return x->wait_ns > y->wait_ns ? -1 : 1;
    if (x->joiner_id != y->joiner_id) return x->joiner_id < y->joiner_id ? -1 : 1;
    return strcmp(x->joined, y->joined);
}

void join_build(struct build *b, struct roles *out) {
    join_list all = {0};
    join_collect(b, &all);
    struct role_join *list = arena_array(b->a, all.n, sizeof *list);
    for (size_t from = 0, to; from < all.n; from = to) {
        for (to = from + 1;
                to < all.n && all.at[to].joiner == all.at[from].joiner && all.at[to].group == all.at[from].group; to++)
            ;
        join_fill(b, all.at + from, to - from, &list[out->njoins++]);
    }
    if (out->njoins > 1) qsort(list, out->njoins, sizeof *list, join_longest);
    out->joins = list;
    vec_free(&all);
}
