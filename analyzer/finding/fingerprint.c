#include "finding/fingerprint.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const fingerprint_action[] = {[ACTION_HOLDS] = "holds",
        [ACTION_WANTS] = "wants",
        [ACTION_WAITS] = "waits",
        [ACTION_READS] = "reads",
        [ACTION_WRITES] = "writes",
        [ACTION_UNLOCKS] = "unlocks",
        [ACTION_DESTROYS] = "destroys",
        [ACTION_FREES] = "frees",
        [ACTION_INITS] = "inits",
        [ACTION_SIGNALS] = "signals",
        [ACTION_POSTS] = "posts",
        [ACTION_JOINS] = "joins",
        [ACTION_DETACHES] = "detaches",
        [ACTION_CREATES] = "creates",
        [ACTION_ENDS] = "ends",
        [ACTION_FORKS] = "forks",
        [ACTION_RUNS] = "runs",
        [ACTION_DOES] = "does"};

/* Module name and offset of an address, for programs without symbols. */
static void fingerprint_raw(struct strbuf *b, const struct model *m, uint64_t pc) {
    for (uint32_t i = 1; i < m->modules.n && i < 4096; i++) {
        const struct twatch_module *x = model_module(m, i);
        if (!x || pc < x->start || pc >= x->end) continue;
        const char *path = model_string(m, x->path, NULL), *slash = strrchr(path, '/');
        strbuf_printf(b, "%s+0x%" PRIx64, slash ? slash + 1 : path, pc - x->bias);
        return;
    }
    strbuf_puts(b, "?");
}

static void fingerprint_step(struct strbuf *b, const struct model *m, const struct finding_step *s) {
    const struct twatch_stack *stack = model_stack(m, s->stack);
    const char *key = NULL;
    strbuf_printf(b, "%s ", fingerprint_action[s->action]);
    if (m->namer.key && (stack || s->site)) key = m->namer.key(m->namer.ctx, stack ? s->stack : 0, s->site);
    if (key)
        strbuf_puts(b, key);
    else if (stack && stack->nframes)
        fingerprint_raw(b, m, stack->pc[0]);
    else if (s->site)
        fingerprint_raw(b, m, s->site);
    else
        strbuf_puts(b, "?");
    strbuf_putc(b, ';');
}

static int fingerprint_compare(const void *a, const void *b) {
    return strcmp(((const struct strbuf *)a)->at, ((const struct strbuf *)b)->at);
}

/* Turns the sides of a cycle so that the smallest sequence of texts comes first: where a cycle starts is an accident.
 */
static size_t fingerprint_start(const struct strbuf *side, size_t n) {
    size_t best = 0;
    for (size_t start = 1; start < n; start++)
        for (size_t i = 0; i < n; i++) {
            int order = strcmp(side[(start + i) % n].at, side[(best + i) % n].at);
            if (order < 0) best = start;
            if (order != 0) break;
        }
    return best;
}

static bool fingerprint_is_cycle(const struct finding *f) {
    return strcmp(f->rule->name, "lock-order-cycle") == 0 || strcmp(f->rule->name, "deadlock") == 0;
}

/* FNV-1a, 128 bits: short, without a seed, the same on every machine. */
static void fingerprint_hash(char out[33], const char *text, size_t length) {
    const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
    unsigned __int128 h = ((unsigned __int128)0x6c62272e07bb0142u << 64) + 0x62b821756295c58du;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * prime;
    for (int i = 0; i < 32; i++)
        out[i] = "0123456789abcdef"[(unsigned)(h >> (124 - 4 * i)) & 15];
    out[32] = '\0';
}

static void fingerprint_sides(struct strbuf *side, const struct finding *f, const struct model *m) {
    for (size_t i = 0; i < f->nsteps; i++)
        fingerprint_step(&side[f->steps[i].thread], m, &f->steps[i]);
    for (size_t i = 0; i < f->nthreads; i++)
        if (!side[i].n) strbuf_puts(&side[i], "-");
}

void fingerprint_set(struct finding *f, const struct model *m) {
    size_t n = f->nthreads;
    struct strbuf *side = mem_new(n + 1, sizeof *side), all = {0};
    fingerprint_sides(side, f, m);
    size_t start = 0;
    if (fingerprint_is_cycle(f))
        start = fingerprint_start(side, n);
    else if (n > 1)
        qsort(side, n, sizeof *side, fingerprint_compare);
    strbuf_printf(&all, "%s\n", f->rule->name);
    /* Equal sides count once: how many workers were caught is an accident too. */
    for (size_t i = 0; i < n; i++) {
        const struct strbuf *s = &side[(start + i) % n], *before = &side[(start + i + n - 1) % n];
        if (i == 0 || strcmp(s->at, before->at) != 0) strbuf_printf(&all, "%s\n", s->at);
    }
    fingerprint_hash(f->fingerprint, strbuf_text(&all), all.n);
    for (size_t i = 0; i < n; i++)
        strbuf_free(&side[i]);
    free(side);
    strbuf_free(&all);
}
