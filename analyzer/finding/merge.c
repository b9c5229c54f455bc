#include "finding/merge.h"

#include "base/hash.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

struct merge_group {
    char *key; /* fingerprint and executable */
    struct finding *first;
    VEC(uint32_t) runs; /* without the first's */
    UT_hash_handle hh;
};

static void merge_into(struct merge_group *g, const struct finding *f) {
    g->first->count += f->count;
    if (f->severity > g->first->severity) g->first->severity = f->severity;
    if (f->confidence > g->first->confidence) g->first->confidence = f->confidence;
    if (f->run != g->first->run && (!g->runs.n || g->runs.at[g->runs.n - 1] != f->run)) vec_push(&g->runs, f->run);
}

/* Names of the locks involved with indices left out: two pairs of locks in one function are two findings, a hundred
 * elements of one array are one. */
static const char *merge_locks(struct arena *a, const struct finding *f) {
    struct strbuf b = {0};
    for (size_t i = 0; i < f->nobjects && i < 64; i++) {
        for (const char *p = f->objects[i].name; *p; p++) {
            strbuf_putc(&b, *p);
            if (*p == '[') p += strspn(p + 1, "0123456789");
        }
        strbuf_putc(&b, ';');
    }
    const char *text = arena_str(a, strbuf_text(&b));
    strbuf_free(&b);
    return text;
}

void merge_fold(struct finding_list *list, const char *const *exe, size_t nruns) {
    struct merge_group *table = NULL, *g, *next;
    struct arena keys = {0};
    size_t kept = 0;
    for (size_t i = 0; i < list->all.n; i++) {
        struct finding *f = list->all.at[i];
        char *key = arena_printf(&keys, "%s %s %s", f->fingerprint, f->run < nruns && exe[f->run] ? exe[f->run] : "",
                merge_locks(&keys, f));
        HASH_FIND_STR(table, key, g);
        if (g) {
            merge_into(g, f);
            continue;
        }
        g = arena_alloc(&keys, sizeof *g);
        g->key = key;
        g->first = f;
        HASH_ADD_KEYPTR(hh, table, g->key, strlen(g->key), g);
        list->all.at[kept++] = f;
    }
    list->all.n = kept;
    HASH_ITER(hh, table, g, next) {
        HASH_DEL(table, g);
        uint32_t *runs = arena_array(&list->arena, g->runs.n, sizeof *runs);
        if (g->runs.n) memcpy(runs, g->runs.at, g->runs.n * sizeof *runs);
        g->first->other_runs = runs;
        g->first->nother_runs = g->runs.n;
        vec_free(&g->runs);
    }
    arena_free(&keys);
}
