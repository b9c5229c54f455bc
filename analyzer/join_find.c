/* Circles of lock orders across runs. */
#include "join.h"

#include "base/strbuf.h"
#include "check/check.h"
#include "check/cycle.h"
#include "finding/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct join_search {
    const struct model *m;
    struct finding_list *list;
    struct arena arena;
    VEC(struct cycle_dep) deps;
    VEC(const struct twatch_dep *) from;
    VEC(const char *) names; /* of the runs */
};

static const char *join_bits(const struct model *m, const struct twatch_dep *d, size_t *n) {
    return model_string(m, d->segments[0], n);
}

/* Sides of one run: whether they can meet was judged with that run's own record. */
static bool join_share_run(void *ctx, size_t a, size_t b) {
    const struct join_search *s = ctx;
    size_t na, nb;
    const char *x = join_bits(s->m, s->from.at[a], &na), *y = join_bits(s->m, s->from.at[b], &nb);
    for (size_t i = 0; i < na && i < nb; i++)
        if (x[i] & y[i]) return true;
    return false;
}

static void join_collect(struct join_search *s) {
    for (size_t i = 0; i < s->m->deps.n; i++) {
        const struct twatch_dep *d = model_dep(s->m, i);
        struct cycle_held *held = arena_array(&s->arena, d->nheld + 1u, sizeof *held);
        uint32_t n = 0;
        for (uint32_t k = 0; k < d->nheld; k++) {
            bool again = d->held[k].object == d->object || !model_object(s->m, d->held[k].object);
            for (uint32_t l = 0; l < n && !again; l++)
                again = held[l].lock == d->held[k].object;
            if (!again) held[n++] = (struct cycle_held){d->held[k].object, d->held[k].mode};
        }
        if (!n || !model_object(s->m, d->object)) continue;
        uint32_t thread = d->thread == 1 ? 1 : 2 + (uint32_t)s->deps.n; /* other threads may always be two */
        vec_push(&s->deps, (struct cycle_dep){.thread = thread,
                                   .lock = d->object,
                                   .held = held,
                                   .nheld = n,
                                   .mode = d->mode,
                                   .timed = (d->flags & TWATCH_DEP_TIMED) != 0});
        vec_push(&s->from, d);
    }
}

/* "COOKIE PID PATH" lines to "FILE (pid PID)". */
static void join_names(struct join_search *s) {
    const char *line = model_string(s->m, s->m->header->end_text, NULL);
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *copy = arena_strn(&s->list->arena, line, strcspn(line, "\n")), *pid = strchr(copy, ' '),
             *path = pid ? strchr(pid + 1, ' ') : NULL;
        if (!path) {
            vec_push(&s->names, "a record");
            continue;
        }
        *path++ = 0;
        const char *slash = strrchr(path, '/');
        vec_push(&s->names, arena_printf(&s->list->arena, "%s (pid %s)", slash ? slash + 1 : path, pid + 1));
    }
}

/* One of the runs that had a dependency; always the same one, in whatever order they were joined. */
static const char *join_run_of(const struct join_search *s, const struct twatch_dep *d) {
    size_t n;
    const char *bits = join_bits(s->m, d, &n), *least = NULL;
    for (size_t run = 0; run < s->names.n && run / 8 < n; run++)
        if ((bits[run / 8] & 1 << run % 8) && (!least || strcmp(s->names.at[run], least) < 0)) least = s->names.at[run];
    return least ? least : "a record";
}

/* Turns a circle so that the lock whose name sorts first is wanted first. */
static void join_turn(struct join_search *s, const struct cycle_found *found) {
    uint32_t n = found->length, start = 0, *copy = arena_array(&s->arena, n, sizeof *copy);
    const char *least = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const char *name = names_object(s->m, &s->arena, s->from.at[found->dep[i]]->object);
        if (least && strcmp(name, least) >= 0) continue;
        least = name;
        start = i;
    }
    memcpy(copy, found->dep, n * sizeof *copy);
    for (uint32_t i = 0; i < n; i++)
        found->dep[i] = copy[(start + i) % n];
}

static const struct twatch_dep_held *join_held_of(const struct twatch_dep *d, uint32_t lock) {
    for (uint32_t i = 0; i < d->nheld; i++)
        if (d->held[i].object == lock) return &d->held[i];
    return NULL;
}

/* Threads of the finding are called after the runs that they stand for. */
static void join_rename(const struct join_search *s, struct finding *f, const struct cycle_found *found) {
    struct finding_thread *threads = arena_array(&s->list->arena, f->nthreads, sizeof *threads);
    for (size_t i = 0; i < f->nthreads; i++) {
        const struct twatch_dep *d = s->from.at[found->dep[i % found->length]];
        threads[i] = f->threads[i];
        threads[i].parent = 0;
        threads[i].name =
                arena_printf(&s->list->arena, "%s of %s", d->thread == 1 ? "main" : "a thread", join_run_of(s, d));
    }
    f->threads = threads;
}

static void join_report(struct join_search *s, const struct cycle_found *found) {
    struct draft *d = draft_begin(s->list, check_rule(RULE_LOCK_ORDER_CYCLE), s->m);
    struct strbuf text = {0};
    uint32_t n = found->length;
    bool timed = false;
    draft_finding(d)->confidence = CONFIDENCE_POSSIBLE;
    for (uint32_t i = 0; i < n; i++) {
        const struct twatch_dep *x = s->from.at[found->dep[i]], *before = s->from.at[found->dep[(i + n - 1) % n]];
        const struct twatch_dep_held *h = join_held_of(x, before->object);
        uint32_t thread = draft_thread(d, 3 + i % JOIN_SIDES);
        int32_t holds = draft_object(d, before->object), wants = draft_object(d, x->object);
        if (h) draft_step(d, thread, ACTION_HOLDS, holds, h->stack, h->site, NULL);
        draft_step(d, thread, ACTION_WANTS, wants, x->stack, x->site,
                x->flags & TWATCH_DEP_TIMED ? "with a time limit" : NULL);
        draft_step_held(d, holds);
        timed = timed || (x->flags & TWATCH_DEP_TIMED);
        if (i < 6)
            strbuf_printf(&text, "%s%s takes %s while holding %s",
                    i == 0       ? ""
                    : i + 1 == n ? " and "
                                 : ", ",
                    join_run_of(s, x), draft_object_name(d, wants), draft_object_name(d, holds));
    }
    if (timed) draft_finding(d)->severity = SEVERITY_WARNING;
    draft_message(d,
            "these locks are taken in opposite orders across runs, which can deadlock once both happen in one: %s%s",
            strbuf_text(&text), n > 6 ? ", and so on" : "");
    draft_detail(d, "No single run took them both ways; each order was seen in runs of its own.");
    struct finding *f = draft_end(d);
    if (f) join_rename(s, f, found);
    strbuf_free(&text);
}

void join_find(const struct model *merged, struct finding_list *list) {
    struct join_search s = {.m = merged, .list = list};
    struct cycle_result r = {0};
    join_collect(&s);
    join_names(&s);
    struct cycle_input in = {
            .deps = s.deps.at, .ndeps = s.deps.n, .nlocks = merged->objects.n, .ordered = join_share_run, .ctx = &s};
    if (s.deps.n) cycle_find(&in, &r);
    for (size_t i = 0; i < r.found.n; i++) {
        join_turn(&s, &r.found.at[i]);
        join_report(&s, &r.found.at[i]);
    }
    cycle_result_free(&r);
    vec_free(&s.deps);
    vec_free(&s.from);
    vec_free(&s.names);
    arena_free(&s.arena);
}
