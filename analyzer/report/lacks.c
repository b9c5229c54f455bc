/* report_lacks(): a thousand processes of one stripped program are one sentence. */
#include "base/arena.h"
#include "base/vec.h"
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

struct lack {
    const char *text;
    uint64_t n; /* of a loss; 0: a sentence that stands for itself */
};

static int lacks_order(const void *a, const void *b) {
    const struct lack *x = a, *y = b;
    if ((x->n == 0) != (y->n == 0)) return x->n ? -1 : 1; /* losses first */
    return strcmp(x->text, y->text);
}

static const char *lacks_sentence(struct arena *a, const struct lack *l, uint64_t n, size_t runs, size_t all) {
    const char *where = runs > 1 ? arena_printf(a, " (in %zu processes)", runs) : all > 1 ? " (in one process)" : "";
    return l->n ? arena_printf(a, "%" PRIu64 " %s%s", n, l->text, where) : arena_printf(a, "%s%s", l->text, where);
}

size_t report_lacks(const struct report *r, struct arena *arena, const char ***out) {
    VEC(struct lack) all = {0};
    size_t n = 0;
    for (size_t i = 0; i < r->nruns; i++) {
        const struct report_run *u = &r->runs[i];
        for (size_t k = 0; k < u->nlosses; k++)
            if (u->losses[k].n) vec_push(&all, (struct lack){u->losses[k].what, u->losses[k].n});
        for (size_t k = 0; k < u->nmissing && !u->across; k++) /* a joined record repeats what its parts lack */
            vec_push(&all, (struct lack){u->missing[k], 0});
    }
    if (all.n) qsort(all.at, all.n, sizeof *all.at, lacks_order);
    *out = arena_array(arena, all.n + 1, sizeof **out);
    for (size_t i = 0, same; i < all.n; i += same) {
        uint64_t sum = 0;
        for (same = 0; i + same < all.n && lacks_order(&all.at[i], &all.at[i + same]) == 0; same++)
            sum += all.at[i + same].n;
        (*out)[n++] = lacks_sentence(arena, &all.at[i], sum, same, r->nruns);
    }
    vec_free(&all);
    return n;
}
