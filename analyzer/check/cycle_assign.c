#include "check/cycle.h"

#include <stdlib.h>

static bool assign_pair(const struct cycle_input *in, uint32_t a, uint32_t b, uint64_t *steps) {
    if (in->deps[a].thread == in->deps[b].thread) return false;
    if (!in->ordered) return true;
    if (*steps) --*steps;
    return !in->ordered(in->ctx, a, b);
}

/*
 * Two groups with many threads each. Thread numbers follow birth, and create/join order is transitive: where every
 * thread is joined before the next is made, neighbours in birth order are ordered, and so is everything. So only near
 * neighbours of the other group are asked, not all pairs.
 */
static bool assign_near(const struct cycle_input *in, const struct cycle_group *a, const struct cycle_group *b,
        uint32_t *dep, uint64_t *steps) {
    enum { NEAR = 4 };
    uint32_t from = 0;
    for (uint32_t i = 0; i < a->ndeps && *steps; i++) {
        while (from < b->ndeps && in->deps[b->dep[from]].thread < in->deps[a->dep[i]].thread)
            from++;
        uint32_t first = from > NEAR ? from - NEAR : 0;
        for (uint32_t k = first; k < b->ndeps && k <= from + NEAR; k++)
            if (assign_pair(in, a->dep[i], b->dep[k], steps)) {
                dep[0] = a->dep[i];
                dep[1] = b->dep[k];
                return true;
            }
    }
    return false;
}

static bool assign_deep(const struct cycle_input *in, const struct cycle_group *const *group, uint32_t n, uint32_t *dep,
        uint32_t depth, uint64_t *steps) {
    if (depth == n) return true;
    for (uint32_t i = 0; i < group[depth]->ndeps && *steps; i++) {
        --*steps;
        dep[depth] = group[depth]->dep[i];
        bool good = true;
        for (uint32_t k = 0; good && k < depth; k++)
            good = assign_pair(in, dep[k], dep[depth], steps);
        if (good && assign_deep(in, group, n, dep, depth + 1, steps)) return true;
    }
    return false;
}

bool cycle_assign(const struct cycle_input *in, const struct cycle_group *const *group, uint32_t n, uint32_t *dep,
        uint64_t *steps) {
    enum { SMALL = 4096 };
    if (n == 2 && (uint64_t)group[0]->ndeps * group[1]->ndeps > SMALL)
        return assign_near(in, group[0], group[1], dep, steps);
    return assign_deep(in, group, n, dep, 0, steps);
}
