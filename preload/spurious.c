#include "spurious.h"

#include "cond_ops.h"
#include "config.h"
#include "incident.h"

enum { PLACES = 4096 };

static uint32_t places[PLACES]; /* stack ids of waits that have had their turn, by id; a full bucket: no turn */

static bool first_time(uint32_t stack) {
    uint32_t none = 0;
    return stack && __atomic_compare_exchange_n(&places[tw_sys_mix(stack) % PLACES], &none, stack, false,
                            __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The entry that the mutex got when the wait returned: gone when the mutex was given back since. */
static bool still_held(const struct tw_thread *t, const struct tw_spurious *s) {
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address == s->mutex && t->held[i].site == s->site) return true;
    return false;
}

static void decide(struct tw_thread *recorder, struct tw_thread *t) {
    struct tw_spurious s = t->spurious;
    if (!s.cond || still_held(t, &s)) return;
    t->spurious.cond = 0;
    tw_incident(recorder, &(struct tw_incident){.kind = TWATCH_INCIDENT_WAIT_WITHOUT_LOOP,
                                  .thread = t->id,
                                  .object = s.cond_id,
                                  .object2 = s.mutex_id,
                                  .stack = s.stack});
}

bool tw_spurious_wait(struct tw_thread *t, const struct tw_cond_wait *w) {
    if (TW_LIKELY(!TW_CONFIG(spurious_wakeups))) return false;
    if (t->spurious.cond == (uintptr_t)w->cond && still_held(t, &t->spurious))
        t->spurious.cond = 0; /* it looked again */
    decide(t, t);
    struct twatch_held *h = tw_held_find(t, (uintptr_t)w->mutex);
    if (w->timed || t->spurious.cond || !h || h->recursion & TWATCH_HELD_RECURSION || tw_ops_mutex_owner(w->mutex) != t->tid) return false;
    uint32_t stack = tw_stack_here(t, w->pc, w->cfa);
    if (!first_time(stack)) return false;
    t->spurious = (struct tw_spurious){.mutex = (uintptr_t)w->mutex,
            .site = w->pc,
            .cond_id = tw_object_get((uintptr_t)w->cond, TWATCH_OBJ_COND, 0, 0, w->pc, stack, t->id),
            .mutex_id = tw_held_resolve(t, h),
            .stack = stack};
    h->site = w->pc;                       /* as after a wait */
    t->spurious.cond = (uintptr_t)w->cond; /* last: the end of the process may look at any moment */
    return true;
}

void tw_spurious_thread_ended(struct tw_thread *t) {
    if (TW_CONFIG(spurious_wakeups)) decide(t, t);
}

void tw_spurious_at_end(void) {
    struct tw_thread *self = TW_CONFIG(spurious_wakeups) ? tw_enter() : NULL;
    if (!self) return;
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        struct tw_thread *t = s && s->thread ? tw_thread_private(i) : NULL;
        if (t) decide(self, t);
    }
    tw_leave(self);
}
