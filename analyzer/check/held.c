/* lock-held-at-exit: what the thread that ended the process, or main, still held. Other threads' locks are told with
 * daemon-killed. */
#include "check/check.h"
#include "model/locks.h"

void check_held(struct check *c) {
    const struct model *m = c->m;
    if (m->header->end != TWATCH_END_EXIT && m->header->end != TWATCH_END_FAST) return;
    for (size_t i = 0; i < m->nstates; i++) {
        const struct model_state *s = &m->states[i];
        const struct twatch_thread *t = model_thread(m, s->thread);
        if (s->thread != m->header->end_thread && !(t->flags & TWATCH_THREAD_MAIN)) continue;
        for (uint32_t k = 0; k < s->nheld; k++) {
            if (!locks_is_lock(m, s->held[k].object)) continue;
            struct draft *d = draft_begin(c->out, check_rule(RULE_LOCK_HELD_AT_EXIT), m);
            uint32_t who = draft_thread(d, s->thread);
            int32_t lock = draft_object(d, s->held[k].object);
            draft_step(d, who, ACTION_HOLDS, lock, s->held[k].stack, s->held[k].site, NULL);
            if (s->thread == m->header->end_thread)
                draft_step(d, who, ACTION_ENDS, -1, m->header->end_stack, 0, "the process ends here");
            draft_message(d, "%s still held %s when the process ended", draft_thread_name(d, who),
                    draft_object_name(d, lock));
            draft_end(d);
        }
    }
}
