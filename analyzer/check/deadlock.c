/* Deadlocks, stalls and long waits that the process itself saw and recorded: one incident per thread, joined by their
 * group number. */
#include "base/strbuf.h"
#include "check/check.h"
#include "check/waiting.h"
#include "finding/names.h"

#include <inttypes.h>
#include <string.h>

enum {
    DEADLOCK_LOOKED = 2000, /* incidents searched for where an ended owner took its lock */
    DEADLOCK_SHOWN = 2500   /* threads of one deadlock */
};

static bool deadlock_kind(uint32_t kind) {
    return kind == TWATCH_INCIDENT_DEADLOCK || kind == TWATCH_INCIDENT_STALL || kind == TWATCH_INCIDENT_HANG_TIMEOUT;
}

static int deadlock_compare(const void *pa, const void *pb) {
    const struct twatch_incident *a = *(const struct twatch_incident *const *)pa,
                                 *b = *(const struct twatch_incident *const *)pb;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return a->thread < b->thread ? -1 : a->thread > b->thread;
}

/* Where a thread that has ended took what it kept. */
static void deadlock_ended_owner(const struct check *c, struct waiting *w) {
    for (size_t i = 0; i < c->m->incidents.n && i < DEADLOCK_LOOKED; i++) {
        const struct twatch_incident *x = model_incident(c->m, i);
        if (x->kind != TWATCH_INCIDENT_LOCK_HELD_AT_THREAD_EXIT || x->object != w->object) continue;
        if (w->holder && w->holder != x->thread) continue;
        w->holder = x->thread;
        w->holder_stack = x->stack;
        return;
    }
}

static struct waiting deadlock_waiting(const struct check *c, const struct twatch_incident *x) {
    static const char *const stall_note[] = {NULL, "the owner has ended", "the wakeup was sent before"};
    struct waiting w = {.thread = x->thread,
            .object = x->object,
            .stack = x->stack,
            .holder = x->other_thread,
            .holder_stack = x->other_stack,
            .since_ns = x->first_ns};
    const struct model_state *s = model_state_of(c->m, x->thread);
    if (s && s->waiting && s->slot->wait_object == x->object) w.since_ns = s->slot->wait_since_ns;
    w.joins = !x->object && x->other_thread;
    if (x->kind == TWATCH_INCIDENT_STALL && x->aux < 3) w.note = stall_note[x->aux];
    if (x->kind == TWATCH_INCIDENT_STALL && x->aux == 1 && !w.holder_stack) deadlock_ended_owner(c, &w);
    if (x->kind == TWATCH_INCIDENT_STALL && x->aux == 2)
        w.holder = w.holder_stack = 0; /* who signalled holds nothing */
    if (x->kind == TWATCH_INCIDENT_HANG_TIMEOUT) w.waited_ns = x->aux;
    return w;
}

static void deadlock_report(struct check *c, const struct twatch_incident *const *all, size_t n) {
    VEC(struct waiting) waits = {0};
    for (size_t i = 0; i < n && i < DEADLOCK_SHOWN; i++)
        vec_push(&waits, deadlock_waiting(c, all[i]));
    enum check_rule_id rule = all[0]->kind == TWATCH_INCIDENT_DEADLOCK ? RULE_DEADLOCK
                              : all[0]->kind == TWATCH_INCIDENT_STALL  ? RULE_STALL
                                                                       : RULE_HANG;
    waiting_report(c, rule, waits.at, waits.n, NULL);
    vec_free(&waits);
}

static bool deadlock_is_told(const struct check *c, uint32_t thread) {
    for (size_t i = 0; i < c->out->all.n; i++)
        for (size_t k = 0; k < c->out->all.at[i]->nthreads; k++)
            if (c->out->all.at[i]->threads[k].id == thread) return true;
    return false;
}

void check_bystanders(struct check *c) {
    enum { SHOWN = 2000 };
    VEC(struct waiting) waits = {0};
    for (size_t i = 0; i < c->m->nstates && waits.n < SHOWN; i++) {
        const struct model_state *s = &c->m->states[i];
        if (!s->waiting || deadlock_is_told(c, s->thread)) continue;
        struct waiting w = {.thread = s->thread, .stack = s->slot->wait_stack, .since_ns = s->slot->wait_since_ns};
        w.joins = s->slot->wait_kind == TWATCH_OBJ_THREAD;
        if (w.joins)
            w.holder = s->slot->wait_thread;
        else
            w.object = s->slot->wait_object;
        vec_push(&waits, w);
    }
    if (waits.n) waiting_report(c, RULE_HANG, waits.at, waits.n, NULL);
    vec_free(&waits);
}

void check_deadlock(struct check *c) {
    VEC(const struct twatch_incident *) all = {0};
    for (size_t i = 0; i < c->m->incidents.n; i++) {
        const struct twatch_incident *x = model_incident(c->m, i);
        if (deadlock_kind(x->kind) && (!c->group || x->group == c->group)) vec_push(&all, x);
    }
    if (all.n > 1) qsort(all.at, all.n, sizeof all.at[0], deadlock_compare);
    for (size_t from = 0, to; from < all.n; from = to) {
        for (to = from + 1;
                to < all.n && all.at[to]->kind == all.at[from]->kind && all.at[to]->group == all.at[from]->group; to++)
            ;
        deadlock_report(c, all.at + from, to - from);
    }
    vec_free(&all);
}
