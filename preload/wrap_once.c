/*
 * Once. The thread that runs the routine holds the once, as a lock, while the others wait for it; the same once from
 * inside its own routine waits for ever.
 */
#include "once.h"

static __thread struct tw_once_call *innermost;

void tw_once_passed(const int *control) {
    struct tw_thread *t = tw_race ? tw_enter() : NULL;
    if (!t) return;
    tw_race->acquire((uintptr_t)control);
    tw_leave(t);
}

void tw_once_begin(struct tw_once_call *c) {
    if (__atomic_load_n(c->control, __ATOMIC_ACQUIRE) & 1)
        c->waiting = tw_ops_wait_begin(
                &(struct tw_wait){
                        .kind = TWATCH_OBJ_ONCE, .address = (uintptr_t)c->control, .pc = c->pc, .cfa = c->cfa},
                0, 0);
    c->outer = innermost;
    innermost = c;
}

/* The real function chose this thread to run the routine. */
void tw_once_run(void) {
    struct tw_once_call *c = innermost;
    if (c->waiting)
        tw_ops_wait_end(true); /* it had been left unfinished by a cancelled thread, or by the parent of a fork */
    c->waiting = false;
    struct tw_thread *t = tw_enter();
    if (t) {
        tw_held_push(t, &(struct tw_acquire){
                                .address = (uintptr_t)c->control, .kind = TWATCH_OBJ_ONCE, .pc = c->pc, .cfa = c->cfa});
        c->running = true;
        tw_leave(t);
    }
    c->routine();
    t = tw_enter();
    if (!t) return;
    if (tw_race) tw_race->release((uintptr_t)c->control); /* before the others are let through */
    if (c->running) tw_held_pop(t, (uintptr_t)c->control);
    c->running = false;
    tw_leave(t);
}

void tw_once_end(struct tw_once_call *c) {
    innermost = c->outer;
    if (c->waiting) tw_ops_wait_end(true);
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (c->running) tw_held_pop(t, (uintptr_t)c->control); /* the routine did not return */
    if (tw_race) tw_race->acquire((uintptr_t)c->control);
    tw_leave(t);
}

TW_EXPORT int pthread_once(pthread_once_t *control, void (*routine)(void)) {
    if (TW_LIKELY(tw_once_done(control))) {
        tw_once_passed(control);
        return TW_REAL(pthread_once)(control, routine);
    }
    __attribute__((cleanup(tw_once_end))) struct tw_once_call call = {
            .control = control, .routine = routine, .pc = TW_CALLER, .cfa = TW_CFA};
    tw_once_begin(&call);
    return TW_REAL(pthread_once)(control, tw_once_run);
}
