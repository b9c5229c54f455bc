/* Create/join order against a closure over all pairs, on random programs; and its cost for a hundred thousand threads.
 */
#include "mkrecord.h"
#include "model/order.h"
#include "record/reader.h"

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

static uint64_t state = 2463534242u;
static uint32_t rnd(uint32_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)((state >> 20) % n);
}

enum { THREADS = 12, SEGMENTS = 30, POINTS = (THREADS + 1) * SEGMENTS };
static bool edge[POINTS][POINTS]; /* point (t, s) = t * SEGMENTS + s */

static void close_edges(void) {
    for (int k = 0; k < POINTS; k++)
        for (int i = 0; i < POINTS; i++)
            if (edge[i][k])
                for (int j = 0; j < POINTS; j++)
                    edge[i][j] |= edge[k][j];
}

/* A random program as steps of living threads: create, or join somebody who still lives. */
static struct mkrecord *random_program(void) {
    struct mkrecord *r = mkrecord_new("/bin/app");
    bool alive[THREADS + 1] = {false, true};
    uint32_t n = 1;
    for (int step = 0; step < 24; step++) {
        uint32_t t = 1 + rnd(n);
        if (!alive[t] || mkrecord_thread_at(r, t)->segment > SEGMENTS - 3) continue;
        if (rnd(2) && n < THREADS) {
            mkrecord_thread(r, t, "t");
            alive[++n] = true;
            continue;
        }
        uint32_t u = 1 + rnd(n);
        if (u == t || u == 1 || !alive[u]) continue;
        mkrecord_join(r, t, u);
        alive[u] = false;
    }
    return r;
}

/* Edges straight from the words of record.h. */
static void oracle(struct mkrecord *r, uint32_t n) {
    memset(edge, 0, sizeof edge);
    for (uint32_t t = 1; t <= n; t++) {
        const struct twatch_thread *x = mkrecord_thread_at(r, t);
        for (uint32_t s = 0; s + 1 < SEGMENTS; s++)
            edge[t * SEGMENTS + s][t * SEGMENTS + s + 1] = true;
        if (x->parent) edge[x->parent * SEGMENTS + x->parent_segment][t * SEGMENTS] = true;
        if (x->joiner) edge[t * SEGMENTS + SEGMENTS - 1][x->joiner * SEGMENTS + x->join_segment] = true;
    }
    close_edges();
}

static void test_random(void) {
    int wrong = 0;
    uint64_t yes = 0, no = 0;
    for (int round = 0; round < 60; round++) {
        struct mkrecord *r = random_program();
        uint32_t n = mkrecord_header(r)->nthreads;
        oracle(r, n);
        size_t size;
        unsigned char *image = mkrecord_image(r, &size);
        struct record record;
        struct model m;
        record_from_memory(&record, image, size, "random", NULL);
        model_build(&m, &record);
        struct order *o = order_new(&m);
        for (uint32_t t = 1; t <= n; t++)
            for (uint32_t u = 1; u <= n; u++)
                for (int k = 0; k < 40; k++) {
                    uint32_t a = rnd(SEGMENTS - 1), b = rnd(SEGMENTS);
                    bool want = edge[t * SEGMENTS + a][u * SEGMENTS + b], got = order_before(o, t, a, u, b);
                    wrong += want != got;
                    *(want ? &yes : &no) += 1;
                }
        order_free(o);
        model_free(&m);
        record_close(&record);
        free(image);
        mkrecord_free(r);
    }
    printf("# %llu ordered, %llu not, %d wrong\n", (unsigned long long)yes, (unsigned long long)no, wrong);
    ok(wrong == 0 && yes > 1000 && no > 1000, "random programs: the same as the closure of all edges");
}

static void test_many(bool reaper) {
    enum { MANY = 100000 };
    struct mkrecord *r = mkrecord_new("/bin/app");
    uint32_t janitor = mkrecord_thread(r, 1, "janitor");
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t t = mkrecord_thread(r, 1, "t");
        mkrecord_join(r, reaper ? janitor : 1, t);
    }
    size_t size;
    unsigned char *image = mkrecord_image(r, &size);
    struct record record;
    struct model m;
    record_from_memory(&record, image, size, "many", NULL);
    double start = now();
    model_build(&m, &record);
    struct order *o = order_new(&m);
    double built = now();
    uint32_t before = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t t = 3 + rnd(MANY), u = 3 + rnd(MANY);
        before += order_before(o, t, 0, u, 0);
    }
    double end = now();
    printf("# %s: built in %.3f s, %d queries in %.3f s, %u before\n",
            reaper ? "joined by another" : "joined by the creator", built - start, MANY, end - built, before);
    ok(end - start < 3 && (reaper ? before == 0 : before > MANY / 3),
            reaper ? "100,000 threads joined by another thread" : "100,000 threads in sequence");
    order_free(o);
    model_free(&m);
    record_close(&record);
    free(image);
    mkrecord_free(r);
}

int main(void) {
    test_random();
    test_many(false);
    test_many(true);
    printf("1..%d\n", tests);
    return failures != 0;
}
