/* sem-permit-leak: a thread took a permit of a semaphore and ended with it, where everybody else gives back what he
 * takes. */
#include "check/check.h"

#include <inttypes.h>
#include <stdlib.h>

static int uses_compare(const void *pa, const void *pb) {
    const struct twatch_use *a = *(const struct twatch_use *const *)pa, *b = *(const struct twatch_use *const *)pb;
    if (a->object != b->object) return a->object < b->object ? -1 : 1;
    return a->thread < b->thread ? -1 : a->thread > b->thread;
}

static bool uses_ended(const struct model *m, uint32_t thread) {
    const struct twatch_thread *t = model_thread(m, thread);
    return t &&
           (t->end == TWATCH_THREAD_RETURNED || t->end == TWATCH_THREAD_EXITED || t->end == TWATCH_THREAD_CANCELLED);
}

/* Taker and giver are the same for all but the ended ones that kept something. */
static bool uses_is_resource(const struct model *m, const struct twatch_use *const *u, size_t n) {
    size_t fair = 0;
    for (size_t i = 0; i < n; i++) {
        if (u[i]->balance < 0) return false; /* gives what it did not take: a signal */
        fair += u[i]->waits > 0 && u[i]->balance == 0 && u[i]->posts > 0;
        if (u[i]->balance > 0 && !uses_ended(m, u[i]->thread) && u[i]->posts == 0)
            return false; /* one who only takes: a consumer */
    }
    return fair > 0;
}

static void uses_leak(struct check *c, const struct twatch_use *u) {
    struct draft *d = draft_begin(c->out, check_rule(RULE_SEM_PERMIT_LEAK), c->m);
    uint32_t who = draft_thread(d, u->thread);
    int32_t object = draft_object(d, u->object);
    draft_finding(d)->count = (uint64_t)u->balance;
    draft_step(d, who, ACTION_WAITS, object, u->wait_stack, 0, "and got a permit");
    draft_step(d, who, ACTION_ENDS, -1, model_thread(c->m, u->thread)->end_stack, 0,
            draft_text(d, "%swith %" PRId64 " not given back", model_thread(c->m, u->thread)->end == TWATCH_THREAD_CANCELLED ? "cancelled, " : "",
                    u->balance));
    draft_message(d, "%s ended without giving back its permit of %s", draft_thread_name(d, who),
            draft_object_name(d, object));
    draft_end(d);
}

void check_uses(struct check *c) {
    VEC(const struct twatch_use *) all = {0};
    for (size_t i = 0; i < c->m->uses.n; i++) {
        const struct twatch_use *u = model_use(c->m, i);
        const struct twatch_object *o = model_object(c->m, u->object);
        if (o && o->kind == TWATCH_OBJ_SEM && !(o->flags & TWATCH_OBJF_FOREIGN_POST)) vec_push(&all, u);
    }
    if (all.n > 1) qsort(all.at, all.n, sizeof all.at[0], uses_compare);
    for (size_t from = 0, to; from < all.n; from = to) {
        for (to = from + 1; to < all.n && all.at[to]->object == all.at[from]->object; to++)
            ;
        if (!uses_is_resource(c->m, all.at + from, to - from)) continue;
        for (size_t i = from; i < to; i++)
            if (all.at[i]->balance > 0 && uses_ended(c->m, all.at[i]->thread)) uses_leak(c, all.at[i]);
    }
    vec_free(&all);
}
