/*
 * The cycle finder against exhaustive search on small random sets of dependencies, its known hard shapes, and its cost.
 * Oracle: every sequence of dependencies is tried by the definition; an arc is guilty if it is part of some true cycle.
 * The finder must report only true cycles, and every guilty arc in some cycle.
 */
#include "check/cycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int tests, failures;
static void ok(int good, const char *name) {
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t random_state = 88172645463325252ull;
static uint32_t rnd(uint32_t n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 20) % n);
}

enum { MAXD = 12, MAXL = 5, MAXT = 4 };

struct set {
    struct cycle_dep dep[MAXD];
    struct cycle_held held[MAXD][MAXL];
    size_t n;
    bool reader_blocks[MAXL];
    bool ordered[MAXT + 1][MAXT + 1]; /* symmetric: by thread */
};

static bool set_ordered(void *ctx, size_t a, size_t b) {
    struct set *s = ctx;
    return s->ordered[s->dep[a].thread][s->dep[b].thread];
}

static void set_random(struct set *s, bool modes) {
    memset(s, 0, sizeof *s);
    s->n = 2 + rnd(MAXD - 1);
    for (size_t i = 0; i < s->n; i++) {
        struct cycle_dep *d = &s->dep[i];
        *d = (struct cycle_dep){
                .thread = 1 + rnd(MAXT), .lock = rnd(MAXL), .mode = (uint8_t)(modes ? rnd(2) : 0), .held = s->held[i]};
        uint32_t want = 1u + (rnd(3) == 0 ? 1u : 0u) + (rnd(6) == 0 ? 1u : 0u);
        for (uint32_t tries = 0; d->nheld < want && tries < 20; tries++) {
            uint32_t l = rnd(MAXL);
            bool there = l == d->lock;
            for (uint32_t k = 0; k < d->nheld; k++)
                there |= s->held[i][k].lock == l;
            if (!there) s->held[i][d->nheld++] = (struct cycle_held){l, modes ? rnd(2) : 0};
        }
    }
    for (uint32_t l = 0; l < MAXL; l++)
        s->reader_blocks[l] = modes && rnd(4) == 0;
    for (uint32_t a = 1; a <= MAXT; a++)
        for (uint32_t b = 1; b < a; b++)
            s->ordered[a][b] = s->ordered[b][a] = rnd(5) == 0;
}

static struct cycle_input set_input(struct set *s) {
    return (struct cycle_input){.deps = s->dep,
            .ndeps = s->n,
            .nlocks = MAXL,
            .reader_blocks = s->reader_blocks,
            .ordered = set_ordered,
            .ctx = s};
}

/* By the definition in check/cycle.h; gates only between held sets. */
static bool oracle_pair(struct set *s, const struct cycle_dep *a, const struct cycle_dep *b) {
    if (a->thread == b->thread || a->lock == b->lock || s->ordered[a->thread][b->thread]) return false;
    for (uint32_t i = 0; i < a->nheld; i++)
        for (uint32_t k = 0; k < b->nheld; k++)
            if (a->held[i].lock == b->held[k].lock && (a->held[i].mode == 0 || b->held[k].mode == 0)) return false;
    return true;
}

static bool oracle_holds(struct set *s, const struct cycle_dep *want, const struct cycle_dep *b) {
    struct cycle_input in = set_input(s);
    for (uint32_t k = 0; k < b->nheld; k++)
        if (b->held[k].lock == want->lock && cycle_conflict(&in, want->lock, want->mode, b->held[k].mode)) return true;
    return false;
}

static bool oracle_cycle(struct set *s, const uint32_t *dep, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!oracle_holds(s, &s->dep[dep[i]], &s->dep[dep[(i + 1) % n]])) return false;
        for (uint32_t k = 0; k < i; k++)
            if (!oracle_pair(s, &s->dep[dep[i]], &s->dep[dep[k]])) return false;
    }
    return n >= 2;
}

/* Guilt per (from, from mode, to, to mode), as the finder's types are. */
typedef bool guilt[MAXL][2][MAXL][2];

static void mark(struct set *s, const uint32_t *dep, uint32_t n, guilt g) {
    struct cycle_input in = set_input(s);
    for (uint32_t i = 0; i < n; i++) {
        const struct cycle_dep *before = &s->dep[dep[(i + n - 1) % n]], *d = &s->dep[dep[i]];
        for (uint32_t k = 0; k < d->nheld; k++)
            if (d->held[k].lock == before->lock && cycle_conflict(&in, before->lock, before->mode, d->held[k].mode))
                g[d->held[k].lock][d->held[k].mode][d->lock][d->mode] = true;
    }
}

static void oracle(struct set *s, uint32_t *dep, uint32_t n, guilt g) {
    if (oracle_cycle(s, dep, n)) mark(s, dep, n, g);
    if (n == MAXT) return;
    for (uint32_t i = 0; i < s->n; i++) {
        bool good = true;
        for (uint32_t k = 0; good && k < n; k++)
            good = oracle_pair(s, &s->dep[dep[k]], &s->dep[i]);
        if (!good || (n && !oracle_holds(s, &s->dep[dep[n - 1]], &s->dep[i]))) continue;
        dep[n] = i;
        oracle(s, dep, n + 1, g);
    }
}

static void test_oracle(bool modes, int rounds, const char *name) {
    int wrong = 0, missed = 0, guilty = 0;
    for (int round = 0; round < rounds; round++) {
        struct set s;
        set_random(&s, modes);
        guilt want = {0}, got = {0};
        uint32_t dep[MAXT + 1];
        oracle(&s, dep, 0, want);
        struct cycle_input in = set_input(&s);
        struct cycle_result r = {0};
        cycle_find(&in, &r);
        for (size_t i = 0; i < r.found.n; i++) {
            wrong += !oracle_cycle(&s, r.found.at[i].dep, r.found.at[i].length);
            mark(&s, r.found.at[i].dep, r.found.at[i].length, got);
        }
        missed += memcmp(want, got, sizeof want) != 0 && !r.exhausted;
        guilty += r.found.n > 0;
        cycle_result_free(&r);
    }
    printf("# %d random sets, %d with a cycle, %d false, %d missed\n", rounds, guilty, wrong, missed);
    ok(wrong == 0 && missed == 0 && guilty > rounds / 20, name);
}

/* ---- shapes ---- */

struct many {
    VEC(struct cycle_dep) deps;
    struct arena arena;
    uint32_t nlocks;
};

static void many_add(struct many *m, uint32_t thread, uint32_t lock, const uint32_t *held, uint32_t n) {
    struct cycle_held *h = arena_array(&m->arena, n, sizeof *h);
    for (uint32_t i = 0; i < n; i++) {
        h[i].lock = held[i];
        if (held[i] >= m->nlocks) m->nlocks = held[i] + 1;
    }
    if (lock >= m->nlocks) m->nlocks = lock + 1;
    vec_push(&m->deps, (struct cycle_dep){.thread = thread, .lock = lock, .held = h, .nheld = n});
}

static void many_one(struct many *m, uint32_t thread, uint32_t from, uint32_t to) {
    many_add(m, thread, to, &from, 1);
}

static struct cycle_input many_input(struct many *m) {
    return (struct cycle_input){.deps = m->deps.at, .ndeps = m->deps.n, .nlocks = m->nlocks};
}

static void many_free(struct many *m) {
    vec_free(&m->deps);
    arena_free(&m->arena);
}

static void test_ring(uint32_t n) {
    struct many m = {0};
    for (uint32_t i = 0; i < n; i++)
        many_one(&m, i + 1, i, (i + 1) % n);
    struct cycle_input in = many_input(&m);
    struct cycle_result r = {0};
    cycle_find(&in, &r);
    char name[80];
    snprintf(name, sizeof name, "a ring of %u locks is one cycle with every edge", n);
    ok(r.found.n == 1 && r.found.at[0].length == n && !r.exhausted, name);
    cycle_result_free(&r);
    many_free(&m);
}

static void test_known(void) {
    struct cycle_result r = {0};
    struct many m = {0};
    many_one(&m, 1, 0, 1), many_one(&m, 1, 1, 0);
    struct cycle_input in = many_input(&m);
    cycle_find(&in, &r);
    ok(r.found.n == 0, "one thread alone takes both orders: clean");
    many_free(&m), cycle_result_free(&r);

    m = (struct many){0}, r = (struct cycle_result){0};
    many_add(&m, 1, 1, (uint32_t[]){2, 0}, 2), many_add(&m, 2, 0, (uint32_t[]){2, 1}, 2);
    in = many_input(&m);
    cycle_find(&in, &r);
    ok(r.found.n == 0, "a gate lock: clean");
    many_free(&m), cycle_result_free(&r);

    m = (struct many){0}, r = (struct cycle_result){0};
    many_one(&m, 1, 0, 1), many_one(&m, 1, 1, 2), many_one(&m, 2, 2, 0); /* A,B,~A,C against C,A */
    in = many_input(&m);
    cycle_find(&in, &r);
    ok(r.found.n == 0, "hand over hand by one thread against another: clean");
    many_free(&m), cycle_result_free(&r);

    m = (struct many){0}, r = (struct cycle_result){0};
    for (uint32_t t = 1; t <= 2; t++)
        many_one(&m, t, 0, 1), many_one(&m, t, 1, 2);
    many_one(&m, 3, 2, 0);
    in = many_input(&m);
    cycle_find(&in, &r);
    ok(r.found.n == 1 && r.found.at[0].length == 3, "hand over hand by two threads against a third: a cycle of three");
    many_free(&m), cycle_result_free(&r);

    m = (struct many){0}, r = (struct cycle_result){0};
    many_one(&m, 1, 0, 1), many_one(&m, 2, 1, 0);
    for (size_t i = 0; i < 2; i++) {
        m.deps.at[i].mode = 1;
        ((struct cycle_held *)(uintptr_t)m.deps.at[i].held)->mode = 1;
    }
    in = many_input(&m);
    cycle_find(&in, &r);
    ok(r.found.n == 0, "readers only: clean");
    cycle_result_free(&r);
    r = (struct cycle_result){0};
    in.reader_blocks = (bool[]){true, true};
    cycle_find(&in, &r);
    ok(r.found.n == 1, "readers of locks that let a queued writer pass first: a cycle");
    many_free(&m), cycle_result_free(&r);
}

static uint32_t one_class(void *ctx, uint32_t lock) {
    (void)ctx, (void)lock;
    return 0;
}

static void test_accounts(uint32_t accounts, uint32_t transfers) {
    struct many m = {0};
    for (uint32_t i = 0; i < transfers; i++) {
        uint32_t a = rnd(accounts), b = rnd(accounts);
        if (a != b) many_one(&m, 1 + i % 8, a, b);
    }
    struct cycle_input in = many_input(&m);
    in.class_of = one_class;
    struct cycle_result r = {0};
    double start = now();
    cycle_find(&in, &r);
    double took = now() - start;
    printf("# %u accounts, %zu dependencies: %zu found, count %llu, %llu steps, %.2f s\n", accounts, m.deps.n,
            r.found.n, (unsigned long long)(r.found.n ? r.found.at[0].count : 0), (unsigned long long)r.steps, took);
    ok(r.found.n == 1 && r.found.at[0].count > accounts / 10 && took < 3,
            "locks of one class in any order: one report with a count");
    cycle_result_free(&r);
    many_free(&m);
}

static void test_dense(uint32_t locks) {
    struct many m = {0};
    for (uint32_t a = 0; a < locks; a++)
        for (uint32_t b = 0; b < locks; b++)
            if (a != b)
                for (uint32_t t = 1; t <= 4; t++)
                    many_one(&m, t, a, b);
    struct cycle_input in = many_input(&m);
    struct cycle_result r = {0};
    double start = now();
    cycle_find(&in, &r);
    double took = now() - start;
    printf("# complete graph of %u locks: %zu found, %llu steps, %.2f s\n", locks, r.found.n,
            (unsigned long long)r.steps, took);
    ok(r.found.n == locks * (locks - 1) / 2 && !r.exhausted && took < 2,
            "a complete graph gives its pairs and no more");
    cycle_result_free(&r);
    many_free(&m);
}

static void test_gated(uint32_t locks) {
    struct many m = {0};
    for (uint32_t a = 0; a < locks; a++)
        for (uint32_t b = 0; b < locks; b++)
            if (a != b) many_add(&m, 1 + (a * 7 + b) % 16, b, (uint32_t[]){a, locks}, 2);
    struct cycle_input in = many_input(&m);
    struct cycle_result r = {0};
    double start = now();
    cycle_find(&in, &r);
    double took = now() - start;
    printf("# all orders of %u locks under a gate: %zu found, %llu steps, %.2f s\n", locks, r.found.n,
            (unsigned long long)r.steps, took);
    ok(r.found.n == 0 && took < 3, "all orders under one gate: clean, and no blow-up");
    cycle_result_free(&r);
    many_free(&m);
}

static double test_ordered(uint32_t n) {
    struct many m = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t a = rnd(n / 4), b = rnd(n / 4), c = rnd(n / 4), lo = a < b ? a : b, hi = a < b ? b : a;
        if (lo == hi) hi++;
        if (c < lo)
            many_add(&m, 1 + i % 8, hi, (uint32_t[]){c, lo}, 2);
        else
            many_one(&m, 1 + i % 8, lo, hi);
    }
    struct cycle_input in = many_input(&m);
    struct cycle_result r = {0};
    double start = now();
    cycle_find(&in, &r);
    double took = now() - start;
    printf("# %u ordered dependencies: %zu left, %.3f s\n", n, r.left, took);
    ok(r.found.n == 0 && r.left == 0, "ordered locking is removed before any search");
    cycle_result_free(&r);
    many_free(&m);
    return took;
}

int main(int argc, char **argv) {
    double slack = argc > 1 && strcmp(argv[1], "sanitized") == 0 ? 10 : 1;
    test_oracle(false, 30000, "mutexes: exactly what exhaustive search finds");
    test_oracle(true, 30000, "read and write modes: exactly what exhaustive search finds");
    test_known();
    for (uint32_t n = 2; n <= 30; n += 7)
        test_ring(n);
    test_ring(30);
    test_ring(1000);
    test_accounts(1000, 100000);
    test_dense(30);
    test_gated(40);
    test_ordered(250000);
    test_ordered(500000);
    ok(test_ordered(1000000) < 2 * slack, "a million dependencies in less than two seconds");
    printf("1..%d\n", tests);
    return failures != 0;
}
