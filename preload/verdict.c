#include "verdict.h"

#include "cond.h"
#include "incident.h"
#include "use.h"

/* ---- who took permits of a semaphore ---- */

struct permits {
    const struct tw_scene *scene;
    uint32_t waiter;     /* slot that does not count; 0: all count */
    uint32_t from, next; /* the lowest slot above `from` */
    int64_t sum;
};

static void add_permits(const struct twatch_use *use, void *arg) {
    struct permits *p = arg;
    const struct twatch_thread *d = use->balance > 0 ? tw_thread_desc(use->thread) : NULL;
    uint32_t slot = d ? d->slot : 0;
    if (slot == 0 || slot == p->waiter || slot > p->scene->n || p->scene->at[slot].thread != use->thread ||
            p->scene->at[slot].alive)
        return;
    p->sum += use->balance;
    if (slot > p->from && (p->next == 0 || slot < p->next)) p->next = slot;
}

static struct permits permits_of(const struct tw_scene *s, const struct tw_view *v, uint32_t from) {
    const struct twatch_object *o = tw_object_at(v->object);
    bool used_as_lock = o && o->flags & TWATCH_OBJF_SELF_POST; /* taken and given back by one thread before: then taking
                                                                  it twice is no signal */
    struct permits p = {.scene = s, .waiter = used_as_lock ? 0 : v->slot, .from = from};
    tw_use_each(v->object, add_permits, &p);
    return p;
}

int64_t tw_verdict_permits(const struct tw_scene *s, const struct tw_view *v) {
    return permits_of(s, v, 0).sum;
}

/* ---- the circle ---- */

static bool waits_for_lock(const struct tw_view *v) {
    return v->thread && !v->alive && (v->needs == TW_NEEDS_ONE || v->needs == TW_NEEDS_ALL) &&
           v->kind != TWATCH_OBJ_THREAD;
}

/* A semaphore that its waiter made and took itself, and that nobody ever gave back: it is there to be posted by another
   thread. CPython's condition variables wait so, each wait with a lock of its own. */
static bool is_own_signal(const struct tw_view *v) {
    const struct twatch_object *o = v->kind == TWATCH_OBJ_SEM ? tw_object_at(v->object) : NULL;
    return o && o->creator == v->thread && !(o->flags & (TWATCH_OBJF_SELF_POST | TWATCH_OBJF_FOREIGN_POST));
}

/* Dead threads that could have let v go on, by slot number: those that hold what it wants; for a wait that anybody may
   end, those that have permits of the semaphore, or else those that are stuck at a lock. */
static uint32_t successor(const struct tw_scene *s, const struct tw_view *v, uint32_t from) {
    if (v->needs == TW_NEEDS_ONE) return from == 0 ? v->target : 0;
    if ((v->needs != TW_NEEDS_ALL && v->needs != TW_NEEDS_ANY) || is_own_signal(v)) return 0;
    if (v->kind == TWATCH_OBJ_SEM && tw_verdict_permits(s, v) > 0) return permits_of(s, v, from).next;
    for (uint32_t i = from + 1; i <= s->n; i++) {
        const struct tw_view *w = &s->at[i];
        if (!w->thread || w->alive) continue;
        if (v->needs == TW_NEEDS_ANY && w != v && waits_for_lock(w)) return i;
        if (v->needs != TW_NEEDS_ALL) continue;
        if (tw_look_holder(s, v, i - 1, NULL) == i) return i;
        bool queued = w->kind == TWATCH_OBJ_RWLOCK && w->mode == TWATCH_MODE_EXCLUSIVE && w->address == v->address;
        if (v->mode == TWATCH_MODE_SHARED && queued) return i;
    }
    return 0;
}

/* Depth-first search; the path is kept in parent. Returns the slot where a circle closes, with the last thread before
 * it in *last; 0: no circle. */
static uint32_t find_circle(struct tw_scene *s, uint32_t start, uint32_t *last) {
    enum { NEW, ON_PATH, DONE };
    if (s->at[start].color != NEW) return 0;
    s->at[start].parent = 0;
    s->at[start].color = ON_PATH;
    for (uint32_t at = start; at;) {
        struct tw_view *v = &s->at[at];
        uint32_t next = successor(s, v, v->cursor);
        if (next == 0 || next > s->n) {
            v->color = DONE;
            at = v->parent;
            continue;
        }
        v->cursor = next;
        struct tw_view *w = &s->at[next];
        if (w->alive || !w->thread) continue;
        if (w->color == ON_PATH) {
            *last = at;
            return next;
        }
        if (w->color == DONE) continue;
        w->parent = at;
        w->color = ON_PATH;
        at = next;
    }
    return 0;
}

static uint32_t circle_of(struct tw_scene *s, uint32_t *last) {
    for (uint32_t i = 1; i <= s->n; i++)
        s->at[i].color = s->at[i].cursor = s->at[i].parent = 0;
    uint32_t first = s->self ? find_circle(s, s->self, last) : 0;
    for (uint32_t i = 1; i <= s->n && !first; i++)
        if (s->at[i].core) first = find_circle(s, i, last);
    return first;
}

/* ---- incidents ---- */

static void record(const struct tw_scene *s, uint32_t slot, uint32_t other, struct tw_incident *i) {
    const struct tw_view *v = &s->at[slot];
    struct twatch_held held;
    i->object = v->object;
    i->stack = v->stack;
    if (v->kind == TWATCH_OBJ_THREAD) i->object = 0, i->other_thread = v->joined;
    if (other) {
        i->other_thread = s->at[other].thread;
        if (tw_look_holder(s, v, other - 1, &held) == other) i->other_stack = held.stack;
    }
    tw_incident(tw_thread_private(slot), i);
}

static void report_circle(struct tw_scene *s, uint32_t first, uint32_t last, uint32_t group) {
    uint64_t any = 0;
    for (uint32_t at = last;; at = s->at[at].parent) {
        any |= s->at[at].needs == TW_NEEDS_ANY;
        if (at == first) break;
    }
    uint32_t other = first;
    for (uint32_t at = last;; at = s->at[at].parent) {
        record(s, at, other, &(struct tw_incident){.kind = TWATCH_INCIDENT_DEADLOCK, .group = group, .aux = any});
        other = at;
        if (at == first) break;
    }
}

enum { NOBODY_ALIVE = 0, OWNER_ENDED = 1, WAKEUP_BEFORE = 2 };

static void report_stall(struct tw_scene *s, uint32_t slot, uint32_t group) {
    const struct tw_view *v = &s->at[slot];
    struct tw_incident i = {.kind = TWATCH_INCIDENT_STALL, .group = group, .aux = NOBODY_ALIVE};
    uint32_t signaller = 0, signal_stack = 0;
    if (v->needs == TW_NEEDS_ENDED) {
        const struct twatch_thread *d = tw_thread_desc(v->target);
        i.aux = OWNER_ENDED;
        i.other_thread = v->target;
        i.other_stack = d ? d->end_stack : 0;
    } else if (v->kind == TWATCH_OBJ_COND && tw_cond_lost_signal(v->object, &signaller, &signal_stack)) {
        i.aux = WAKEUP_BEFORE;
        i.other_thread = signaller;
        i.other_stack = signal_stack;
        tw_incident(tw_thread_private(slot), &(struct tw_incident){.kind = TWATCH_INCIDENT_LOST_WAKEUP,
                                                     .object = v->object,
                                                     .object2 = v->mutex,
                                                     .stack = v->stack,
                                                     .other_thread = signaller,
                                                     .other_stack = signal_stack,
                                                     .group = group});
    }
    record(s, slot, v->needs == TW_NEEDS_ONE ? v->target : 0, &i);
}

uint32_t tw_verdict(struct tw_thread *t, struct tw_scene *s) {
    (void)t;
    uint32_t group = tw_incident_group(), last = 0, first = circle_of(s, &last);
    if (first && first == last) {
        record(s, first, first, &(struct tw_incident){.kind = TWATCH_INCIDENT_SELF_DEADLOCK, .group = group});
        return group;
    }
    if (first) {
        report_circle(s, first, last, group);
        return group;
    }
    for (uint32_t i = 1; i <= s->n; i++)
        if (s->at[i].core) report_stall(s, i, group);
    return group;
}
