#include "ops.h"

#include "interval.h"

uint64_t tw_ops_deadline(clockid_t clock, const struct timespec *until) {
    if (!until || !tw_ops_clock_ok(clock)) return 0;
    if (until->tv_sec > INT64_MAX / 2000000000 || until->tv_sec < 0) return 0;
    int64_t deadline = until->tv_sec * 1000000000 + until->tv_nsec;
    if (clock != CLOCK_MONOTONIC) deadline += (int64_t)tw_sys_now() - (int64_t)tw_sys_now_of(clock);
    return deadline > 1 ? (uint64_t)deadline : 1;
}

bool tw_ops_wait_begin(const struct tw_wait *what, uint32_t type, uint16_t oflags) {
    struct tw_thread *t = tw_enter();
    if (!t) return false;
    struct tw_wait w = *what;
    if (!w.object) w.object = tw_object_find(w.address);
    if (!w.object) {
        uint32_t stack = tw_stack_here(t, w.pc, w.cfa);
        w.object = tw_object_get(w.address, w.kind, type, oflags, w.pc, stack, t->id);
    }
    tw_wait_begin(t, &w);
    tw_leave(t);
    return true;
}

void tw_ops_wait_end(bool got) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_wait_end(t, got);
    tw_leave(t);
}

void tw_ops_acquired_after_wait(uintptr_t address) {
    if (!tw_self || !tw_self->waited_until_ns) return;
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_interval_acquired(t, address);
    tw_leave(t);
}

void tw_ops_wait_cancelled(void) {
    struct tw_thread *t = tw_enter_cancelled();
    if (!t) return;
    tw_wait_end(t, false);
    tw_leave(t);
}

void tw_ops_misuse(struct tw_thread *t, const struct tw_misuse *m) {
    tw_incident(t, &(struct tw_incident){.kind = m->kind,
                           .object = m->object,
                           .object2 = m->object2,
                           .stack = tw_stack_here(t, m->pc, m->cfa),
                           .other_thread = m->other_thread,
                           .other_stack = m->other_stack,
                           .aux = m->aux});
}

void tw_ops_used_after_destroy(
        struct tw_thread *t, uint32_t object, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa) {
    const struct twatch_object *o = tw_object_at(object);
    tw_ops_misuse(t, &(struct tw_misuse){.kind = TWATCH_INCIDENT_USE_AFTER_DESTROY,
                             .object = object,
                             .other_stack = o ? o->destroy_stack : 0,
                             .pc = pc,
                             .cfa = cfa,
                             .aux = action});
}

uint32_t tw_ops_held_stack(const struct twatch_held *h) {
    uint64_t site = h->site;
    if (h->stack || !site) return h->stack;
    return tw_stack_intern(&site, 1, TWATCH_STACK_SITE | TWATCH_STACK_CUT);
}

_Static_assert(TW_OPS_GRAVES == 1 << (64 - 51), "tw_ops_grave gives the bit number");
uint64_t tw_ops_graves[TW_OPS_GRAVES / 64];

void tw_ops_destroyed(struct tw_thread *t, uint32_t object, uintptr_t pc, uintptr_t cfa) {
    const struct twatch_object *o = tw_object_at(object);
    if (!o) return;
    tw_object_destroy(object, tw_stack_here(t, pc, cfa));
    uint64_t g = tw_ops_grave(o->address);
    if (o->flags & TWATCH_OBJF_INIT_SEEN) __atomic_fetch_or(&tw_ops_graves[g / 64], 1ull << g % 64, __ATOMIC_RELAXED);
}

void tw_ops_check_destroyed(
        struct tw_thread *t, uintptr_t address, uint32_t kind, enum tw_ops_action action, uintptr_t pc, uintptr_t cfa) {
    uint32_t id = tw_object_find(address);
    const struct twatch_object *o = tw_object_at(id);
    if (!o || o->kind != kind || !(o->flags & TWATCH_OBJF_DESTROYED)) return;
    if (o->flags & TWATCH_OBJF_INIT_SEEN) tw_ops_used_after_destroy(t, id, action, pc, cfa);
    tw_object_range_dead(address, address + 1, NULL, NULL);
}
