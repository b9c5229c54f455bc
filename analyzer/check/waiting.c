#include "check/waiting.h"
#include "base/strbuf.h"
#include "finding/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t waiting_time(const struct check *c, const struct waiting *w) {
    if (w->waited_ns) return w->waited_ns;
    return w->since_ns && c->m->now_ns > w->since_ns ? c->m->now_ns - w->since_ns : 0;
}

/* Who waits next: the index of the holder's own wait; n if it has none. */
static size_t waiting_next(const struct waiting *w, size_t n, size_t i) {
    for (size_t k = 0; k < n; k++)
        if (w[i].holder && w[k].thread == w[i].holder) return k;
    return n;
}

/* Follows the circle from the first wait, so that each thread is followed by the one it waits for; the rest keeps its
 * order behind. */
static void waiting_turn(const struct waiting *w, size_t n, size_t *order) {
    bool *taken = mem_new(n, sizeof *taken);
    size_t done = 0;
    for (size_t start = 0; start < n; start++)
        for (size_t i = start; i < n && !taken[i]; i = n > 4096 ? n : waiting_next(w, n, i)) {
            taken[i] = true;
            order[done++] = i;
        }
    free(taken);
}

static void waiting_steps(struct check *c, struct draft *d, const struct waiting *w) {
    uint32_t t = draft_thread(d, w->thread);
    int32_t object = draft_object(d, w->object);
    uint64_t time = waiting_time(c, w);
    const char *how_long = time >= 1000000 ? draft_text(d, "for %s", names_duration(&c->out->arena, time)) : NULL;
    if (w->joins)
        how_long = draft_text(d, "%s%s%s", names_thread(c->m, &c->out->arena, w->holder), how_long ? ", " : "",
                how_long ? how_long : "");
    const char *note = how_long && w->note ? draft_text(d, "%s; %s", how_long, w->note) : how_long ? how_long : w->note;
    draft_step(d, t, w->joins ? ACTION_JOINS : ACTION_WAITS, object, w->stack, 0, note);
    if (w->joins) draft_step_joined(d, w->holder);
    const struct model_state *s = model_state_of(c->m, w->thread);
    for (uint32_t i = 0; s && i < s->nheld && i < 16; i++)
        draft_step_held(d, draft_object(d, s->held[i].object));
}

/* What the other thread would have to do, where it holds nothing: "to be signalled by"; NULL: it holds the object. */
static const char *waiting_awaited(const struct check *c, const struct waiting *w) {
    const struct twatch_object *o = model_object(c->m, w->object);
    if (!o) return NULL;
    if (o->kind == TWATCH_OBJ_COND) return "to be signalled by";
    if (o->kind == TWATCH_OBJ_BARRIER) return "to be reached by";
    return o->kind == TWATCH_OBJ_FUTEX ? "to be woken by" : NULL;
}

/* Threads in the order of the circle; what they hold before what they wait for. */
static void waiting_holds(
        const struct check *c, struct draft *d, const struct waiting *waits, size_t n, const size_t *order) {
    for (size_t i = 0; i < n; i++)
        draft_thread(d, waits[order[i]].thread);
    for (size_t i = 0; i < n; i++) {
        const struct waiting *w = &waits[order[i]];
        if (w->holder && !w->joins && !waiting_awaited(c, w))
            draft_step(
                    d, draft_thread(d, w->holder), ACTION_HOLDS, draft_object(d, w->object), w->holder_stack, 0, NULL);
    }
}

/* What nobody is left to do; NULL: it is said otherwise. */
static const char *waiting_missing(const struct check *c, const struct waiting *w) {
    const struct twatch_object *o = model_object(c->m, w->object);
    if (w->joins || w->holder || !o) return NULL;
    if (o->kind == TWATCH_OBJ_COND) return "which nobody is left to signal";
    if (o->kind == TWATCH_OBJ_SEM) return "which nobody is left to post";
    if (o->kind == TWATCH_OBJ_BARRIER) return "which too few threads are left to reach";
    return o->kind == TWATCH_OBJ_FUTEX ? "which nobody is left to wake" : NULL;
}

/* What kind of trouble it is, before who is in it. */
static const char *waiting_lead(enum check_rule_id rule) {
    return rule == RULE_DEADLOCK ? "deadlock: " : rule == RULE_STALL ? "waiting for ever: " : "";
}

/* "thread 3 (worker) waits for mutex a, held by thread 1, which waits for ..." over at most a few threads. How long
 * they had waited when it was found says nothing of a wait without end; the steps have it. */
static void waiting_sentence(struct check *c, struct draft *d, struct strbuf *text, const struct waiting *w, size_t n,
        const size_t *order, bool past) {
    enum { SHOWN = 5 };
    bool stall = draft_finding(d)->rule == check_rule(RULE_STALL),
         endless = stall || draft_finding(d)->rule == check_rule(RULE_DEADLOCK);
    const char *waits = past ? "had waited" : "waits", *joins = past ? "had waited" : "waits";
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const struct waiting *x = &w[order[i]];
        bool linked = i && w[order[i - 1]].holder == x->thread;
        if (linked)
            strbuf_puts(text, ", which");
        else
            strbuf_printf(text, "%s%s", i ? "; " : "", names_thread(c->m, &c->out->arena, x->thread));
        uint64_t time = waiting_time(c, x);
        strbuf_printf(text, " %s", x->joins ? joins : waits);
        if (time >= 1000000 && (past || !endless)) strbuf_printf(text, " %s", names_duration(&c->out->arena, time));
        if (x->joins)
            strbuf_printf(text, " for the end of %s", names_thread(c->m, &c->out->arena, x->holder));
        else
            strbuf_printf(text, " for %s", draft_object_name(d, draft_object(d, x->object)));
        const char *awaited = waiting_awaited(c, x);
        if (x->holder && !x->joins)
            strbuf_printf(
                    text, ", %s %s", awaited ? awaited : "held by", names_thread(c->m, &c->out->arena, x->holder));
        if (stall && waiting_missing(c, x)) strbuf_printf(text, ", %s", waiting_missing(c, x));
        if (x->note) strbuf_printf(text, " (%s)", x->note);
    }
    if (n > SHOWN) strbuf_printf(text, "; and %zu more threads wait", n - SHOWN);
}

struct finding *waiting_report(
        struct check *c, enum check_rule_id rule, const struct waiting *waits, size_t n, const char *prefix) {
    struct draft *d = draft_begin(c->out, check_rule(rule), c->m);
    struct strbuf text = {0};
    size_t *order = mem_new(n, sizeof *order);
    waiting_turn(waits, n, order);
    waiting_holds(c, d, waits, n, order);
    for (size_t i = 0; i < n; i++)
        waiting_steps(c, d, &waits[order[i]]);
    strbuf_puts(&text, prefix ? prefix : waiting_lead(rule));
    waiting_sentence(c, d, &text, waits, n, order, prefix != NULL);
    draft_message(d, "%s", strbuf_text(&text));
    strbuf_free(&text);
    free(order);
    return draft_end(d);
}
