/* Checks over made-up records: what must be said, what must not, and how often. */
#include "check/check.h"
#include "mkrecord.h"
#include "record/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tests, failures;
static void ok(int good, const char *name) {
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

struct run {
    struct record record;
    struct model m;
    struct finding_list list;
    unsigned char *image;
};

static void run(struct run *x, struct mkrecord *r) {
    size_t size;
    memset(x, 0, sizeof *x);
    x->image = mkrecord_image(r, &size);
    mkrecord_free(r);
    if (!record_from_memory(&x->record, x->image, size, "made up", NULL)) abort();
    model_build(&x->m, &x->record);
    check_all(&x->m, &x->list, true);
}

static void end(struct run *x) {
    list_free(&x->list);
    model_free(&x->m);
    record_close(&x->record);
    free(x->image);
}

static size_t count(const struct run *x, const char *kind) {
    size_t n = 0;
    for (size_t i = 0; i < x->list.all.n; i++)
        n += strcmp(x->list.all.at[i]->rule->name, kind) == 0;
    return n;
}

static const struct finding *get(const struct run *x, const char *kind) {
    for (size_t i = 0; i < x->list.all.n; i++)
        if (strcmp(x->list.all.at[i]->rule->name, kind) == 0) return x->list.all.at[i];
    return NULL;
}

/* Runs, and expects exactly n findings of the kind and none of another. */
static void expect(struct mkrecord *r, const char *kind, size_t n, const char *name) {
    struct run x;
    run(&x, r);
    int good = count(&x, kind) == n && x.list.all.n == n;
    for (size_t i = 0; !good && i < x.list.all.n; i++)
        printf("# %s: %s\n", x.list.all.at[i]->rule->name, x.list.all.at[i]->message);
    ok(good, name);
    end(&x);
}

struct base { /* two threads, two mutexes */
    struct mkrecord *r;
    uint32_t t, u, a, b;
};

static struct base two(bool joined) {
    struct base x = {.r = mkrecord_new("/bin/app")};
    x.t = mkrecord_thread(x.r, 1, "t");
    if (joined) mkrecord_join(x.r, 1, x.t);
    x.u = mkrecord_thread(x.r, 1, "u");
    x.a = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401000, 0);
    x.b = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401040, 0);
    return x;
}

static struct mkrecord *done(struct base x) {
    if (!(mkrecord_thread_at(x.r, x.t)->flags & TWATCH_THREAD_JOINED)) mkrecord_join(x.r, 1, x.t);
    mkrecord_join(x.r, 1, x.u);
    return x.r;
}

static struct mkrecord *abba(bool joined, uint8_t flags, uint8_t held_mode, uint8_t mode) {
    struct base x = two(joined);
    struct twatch_dep_held a = {.object = x.a, .site = 0x400010, .mode = held_mode},
                           b = {.object = x.b, .site = 0x400020, .mode = held_mode};
    mkrecord_dep_full(x.r, x.t, x.b, mode, flags, 0, 0x400030, &a, 1);
    mkrecord_dep_full(x.r, x.u, x.a, mode, flags, 0, 0x400040, &b, 1);
    return done(x);
}

static struct mkrecord *rwlocks(uint8_t kind, bool writer) {
    struct base x = two(false);
    struct twatch_dep_held a = {.object = x.a, .site = 0x400010, .mode = 1},
                           b = {.object = x.b, .site = 0x400020, .mode = 1};
    mkrecord_object_at(x.r, x.a)->kind = mkrecord_object_at(x.r, x.b)->kind = TWATCH_OBJ_RWLOCK;
    mkrecord_object_at(x.r, x.a)->type = mkrecord_object_at(x.r, x.b)->type = kind;
    mkrecord_dep_full(x.r, x.t, x.b, 1, 0, 0, 0x400030, &a, 1);
    mkrecord_dep_full(x.r, x.u, x.a, 1, 0, 0, 0x400040, &b, 1);
    if (writer) {
        uint32_t w = mkrecord_thread(x.r, 1, "w"), c = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x402000, 0);
        mkrecord_dep(x.r, w, x.a, &c, 1);
        mkrecord_dep(x.r, w, x.b, &c, 1);
        mkrecord_join(x.r, 1, w);
    }
    return done(x);
}

static struct mkrecord *semaphores(uint16_t flags, uint32_t value) {
    struct base x = two(false);
    for (uint32_t o = x.a; o <= x.b; o++) {
        mkrecord_object_at(x.r, o)->kind = TWATCH_OBJ_SEM;
        mkrecord_object_at(x.r, o)->init_value = value;
        mkrecord_object_at(x.r, o)->flags = flags;
    }
    mkrecord_dep(x.r, x.t, x.b, &x.a, 1);
    mkrecord_dep(x.r, x.u, x.a, &x.b, 1);
    return done(x);
}

static struct mkrecord *handed_over(
        void) { /* t's order, then u made by t while a is held and b is not wanted any more */
    struct base x = {.r = mkrecord_new("/bin/app")};
    x.t = mkrecord_thread(x.r, 1, "t");
    x.a = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401000, 0);
    x.b = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401040, 0);
    mkrecord_dep(x.r, x.t, x.b, &x.a, 1);
    x.u = mkrecord_thread(x.r, x.t, "u");
    mkrecord_dep(x.r, x.u, x.a, &x.b, 1);
    return done(x);
}

static struct mkrecord *many_segments(bool late) { /* more segments than are kept; only the last may overlap with u */
    struct base x = {.r = mkrecord_new("/bin/app")};
    x.a = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401000, 0);
    x.b = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x401040, 0);
    x.t = mkrecord_thread(x.r, 1, "t");
    for (int i = 0; i < 40; i++) {
        mkrecord_dep(x.r, 1, x.b, &x.a, 1);
        mkrecord_join(x.r, 1, mkrecord_thread(x.r, 1, "short"));
    }
    x.u = mkrecord_thread(x.r, 1, "u");
    mkrecord_dep(x.r, x.u, x.a, &x.b, 1);
    if (late) mkrecord_dep(x.r, 1, x.b, &x.a, 1);
    return done(x);
}

static void test_lock_order(void) {
    expect(abba(false, 0, 0, 0), "lock-order-cycle", 1, "two threads, two orders: one finding");
    expect(abba(true, 0, 0, 0), "lock-order-cycle", 0, "the first thread is joined before the second is made: clean");
    expect(abba(false, TWATCH_DEP_TRY, 0, 0), "lock-order-cycle", 0, "trylock never waits: clean");
    expect(abba(false, TWATCH_DEP_SELF, 0, 0), "lock-order-cycle", 1, "recursion elsewhere changes nothing");
    expect(handed_over(), "lock-order-cycle", 0, "made after the other's order: clean");
    expect(many_segments(false), "lock-order-cycle", 0, "all of many segments before the other thread: clean");
    expect(many_segments(true), "lock-order-cycle", 1, "one of many segments overlaps: found");
    expect(rwlocks(TWATCH_TYPE_RW_PREFER_READER, true), "lock-order-cycle", 0, "readers of default rwlocks: clean");
    expect(rwlocks(TWATCH_TYPE_RW_PREFER_WRITER_NONRECURSIVE, false), "lock-order-cycle", 0,
            "writer-preferring, but nobody writes: clean");
    expect(rwlocks(TWATCH_TYPE_RW_PREFER_WRITER_NONRECURSIVE, true), "lock-order-cycle", 1,
            "writer-preferring with a writer: found");
    expect(semaphores(TWATCH_OBJF_SELF_POST, 1), "lock-order-cycle", 1, "semaphores used as locks: found");
    expect(semaphores(TWATCH_OBJF_SELF_POST | TWATCH_OBJF_FOREIGN_POST, 1), "lock-order-cycle", 0,
            "semaphores that others post: clean");
    expect(semaphores(TWATCH_OBJF_SELF_POST, 2), "lock-order-cycle", 0, "semaphores with two permits: clean");
    struct run x;
    run(&x, abba(false, TWATCH_DEP_TIMED, 0, 0));
    const struct finding *f = get(&x, "lock-order-cycle");
    ok(f && f->severity == SEVERITY_WARNING, "with time limits: only a warning");
    end(&x);
}

static void test_classes(void) {
    struct mkrecord *r = mkrecord_new("/bin/app");
    uint32_t t[4], first = 0, stack = mkrecord_stack(r, (uint64_t[]){0x400100}, 1);
    for (int i = 0; i < 4; i++)
        t[i] = mkrecord_thread(r, 1, "w");
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t o = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x500000 + i * 48u, stack);
        if (!first) first = o;
    }
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t from = first + i * 7919u % 1000, to = first + i * 104729u % 991;
        if (from != to) mkrecord_dep(r, t[i % 4], to, &from, 1);
    }
    for (int i = 0; i < 4; i++)
        mkrecord_join(r, 1, t[i]);
    struct run x;
    run(&x, r);
    const struct finding *f = get(&x, "lock-order-cycle");
    ok(f && x.list.all.n == 1 && f->count > 1, "a thousand locks made in one place: one finding with a count");
    end(&x);
}

static void test_ring(void) {
    struct mkrecord *r = mkrecord_new("/bin/app");
    uint32_t o[30], t[30];
    for (uint32_t i = 0; i < 30; i++) {
        o[i] = mkrecord_object(r, TWATCH_OBJ_MUTEX, 0x401000 + i * 64u, 0);
        t[i] = mkrecord_thread(r, 1, "philosopher");
    }
    for (int i = 0; i < 30; i++)
        mkrecord_dep(r, t[i], o[(i + 1) % 30], &o[i], 1);
    for (int i = 0; i < 30; i++)
        mkrecord_join(r, 1, t[i]);
    struct run x;
    run(&x, r);
    const struct finding *f = get(&x, "lock-order-cycle");
    ok(f && x.list.all.n == 1 && f->nthreads == 30 && f->nsteps == 60, "thirty locks in a ring: every edge is shown");
    end(&x);
}

static struct mkrecord *waiting(uint32_t how, bool circle, uint16_t flags) {
    struct base x = two(false);
    mkrecord_header(x.r)->end = how;
    mkrecord_header(x.r)->end_ns = 0;
    mkrecord_header(x.r)->alive_ns = 43000000000;
    uint32_t own[2] = {x.a, x.b}, who[2] = {x.t, x.u};
    for (int i = 0; i < 2; i++) {
        mkrecord_hold(x.r, who[i], own[i], 0);
        if (i && !circle) break;
        struct twatch_slot *s = mkrecord_slot(x.r, who[i]);
        s->wait_kind = TWATCH_OBJ_MUTEX;
        s->wait_object = own[1 - i];
        s->wait_since_ns = 2000000000;
        s->wait_flags = flags;
    }
    struct twatch_slot *s = mkrecord_slot(x.r, 1);
    s->wait_kind = TWATCH_OBJ_THREAD;
    s->wait_thread = x.t;
    s->wait_since_ns = 2000000000;
    return x.r;
}

/* A member of a family counts as the whole dependency that it stands for, in the segment it was seen in; one whose
 * family is not there is damage. */
static void test_families(void) {
    struct base x = two(false);
    uint32_t c = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x5000, 0),
             d = mkrecord_object(x.r, TWATCH_OBJ_MUTEX, 0x6000, 0);
    mkrecord_dep(x.r, x.t, x.b, &x.a, 1);
    mkrecord_like(x.r, d, 0, &c);
    mkrecord_dep(x.r, x.u, c, &d, 1);
    expect(done(x), "lock-order-cycle", 1, "a member of a family closes a cycle");
    x = two(false);
    mkrecord_dep(x.r, x.t, x.b, &x.a, 1);
    mkrecord_like(x.r, x.a, 0, &x.b);
    expect(done(x), "lock-order-cycle", 0, "a member is of the family's thread: no cycle with itself");
    x = two(false);
    mkrecord_dep(x.r, x.t, x.b, &x.a, 1);
    mkrecord_like(x.r, 77, 0, &x.b);
    struct run y;
    run(&y, done(x));
    ok(y.m.deps.n == 1 && y.m.nmissing == 1 && strstr(y.m.missing[0], "short lock dependencies"),
            "a member with an unknown lock is left out, and said");
    end(&y);
}

static void test_waits(void) {
    struct run x;
    run(&x, waiting(TWATCH_END_RUNNING, true, 0));
    const struct finding *f = get(&x, "deadlock");
    ok(f && f->nthreads == 2 && strstr(f->message, "killed while") && strstr(f->message, "had waited 41 s for"),
            "killed in a circle: a deadlock, with how long");
    ok(count(&x, "stall") == 0 && count(&x, "deadlock") == 1, "and nothing else is made of it");
    end(&x);
    run(&x, waiting(TWATCH_END_RUNNING, true, TWATCH_WAIT_TIMED));
    ok(count(&x, "deadlock") == 0, "a circle of timed waits is none");
    end(&x);
    run(&x, waiting(TWATCH_END_RUNNING, false, 0));
    ok(count(&x, "deadlock") == 0 && count(&x, "hang") == 1, "killed while waiting for one who works: a note");
    end(&x);
    run(&x, waiting(TWATCH_END_EXIT, true, 0));
    ok(count(&x, "deadlock") == 0, "a process that ended by itself waits no more");
    end(&x);
}

static void test_incidents(void) {
    for (uint32_t k = 1; k < TWATCH_INCIDENT_END; k++) {
        struct base b = two(false);
        uint32_t stack = mkrecord_stack(b.r, (uint64_t[]){0x400100}, 1);
        mkrecord_header(b.r)->end = TWATCH_END_EXIT;
        for (int i = 0; i < 3; i++)
            mkrecord_incident(b.r, &(struct twatch_incident){.kind = k,
                                           .thread = b.t,
                                           .object = b.a,
                                           .object2 = b.b,
                                           .stack = stack,
                                           .other_thread = b.u,
                                           .other_stack = stack,
                                           .group = 1,
                                           .count = 2});
        struct run x;
        char name[80];
        run(&x, done(b));
        const struct finding *f = x.list.all.n ? x.list.all.at[0] : NULL;
        bool grouped = k == TWATCH_INCIDENT_DEADLOCK || k == TWATCH_INCIDENT_STALL || k == TWATCH_INCIDENT_HANG_TIMEOUT;
        snprintf(name, sizeof name, "incident %u: one finding, %s", k, f ? f->rule->name : "none");
        ok(f && x.list.all.n == 1 && (grouped || f->count == 6) && f->nsteps > 0 && !strchr(f->message, '{') &&
                        strlen(f->fingerprint) == 32,
                name);
        end(&x);
    }
}

static void test_fingerprints(void) {
    struct run x, y;
    run(&x, abba(false, 0, 0, 0));
    struct base b = two(false);
    for (int i = 0; i < 5; i++)
        mkrecord_thread(b.r, 1, "more");
    struct twatch_dep_held ha = {.object = b.a, .site = 0x400010}, hb = {.object = b.b, .site = 0x400020};
    mkrecord_dep_full(b.r, b.u, b.a, 0, 0, 0, 0x400040, &hb, 1); /* the other one first */
    mkrecord_dep_full(b.r, b.t, b.b, 0, 0, 0, 0x400030, &ha, 1);
    run(&y, done(b));
    const struct finding *f = get(&x, "lock-order-cycle"), *g = get(&y, "lock-order-cycle");
    ok(f && g && strcmp(f->fingerprint, g->fingerprint) == 0,
            "the fingerprint does not depend on order and thread numbers");
    end(&x);
    end(&y);
}

int main(void) {
    test_lock_order();
    test_classes();
    test_ring();
    test_families();
    test_waits();
    test_incidents();
    test_fingerprints();
    printf("1..%d\n", tests);
    return failures != 0;
}
