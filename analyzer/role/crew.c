/*
 * Pools without a queue that all workers sleep at: each worker sleeps at a condition variable (or semaphore) of its
 * own, and whoever has work for it wakes it there. So do the pools of threads of mariadb and the coders of xz. Threads
 * that wait so for answers, for their children or for their turn look alike; a pool is claimed of threads of one kind
 * that wait at one place of the program, each at things where no other thread waits, and that
 *
 * - grow by themselves, one making the next, and are woken by others than their own children, or
 * - were made at one place by one creator, who is also the one that wakes them, and first waited before they ever
 * signalled anything.
 *
 * What they wait at is put together in one line, and they in one group.
 */
#include "role/build.h"

#include <stdio.h>
#include <string.h>

enum { LEAST_MEMBERS = 2, LEAST_WAKES = 8, MANY = 0xffffffffu };

struct crew {
    uint64_t waits, empty, wait_ns, elsewhere_ns, posts, by_children, by_creators;
    uint32_t n, index;     /* index: + 1 of the line that was made of it; 0: no pool */
    uint32_t parent, made; /* who made them, and where (creation stack). parent: MANY: not the same for all */
    uint32_t waited_first; /* members that did */
    bool grown;            /* one member made another */
    UT_hash_handle hh;
    char key[];
};

struct crew_all {
    struct build *b;
    struct crew *by_key, **of_thread;  /* by thread; NULL: none */
    uint32_t *owner;                   /* of each object: the only thread that waits there; MANY: several; 0: none */
    uint64_t *first_wait, *first_post; /* by thread: at things of its own; elsewhere. 0: never */
};

static bool crew_is_cell(const struct twatch_object *o) {
    return o && (o->kind == TWATCH_OBJ_COND ||
                        (o->kind == TWATCH_OBJ_SEM && !o->init_value && build_semaphore_use(o) == ROLE_SIGNAL));
}

static bool crew_waits(const struct twatch_use *u) {
    return u->waits || u->blocked || u->wait_ns || u->wait_stack;
}

static bool crew_owns(const struct crew_all *c, const struct twatch_use *u) {
    return u->thread && u->thread != MANY && u->object < c->b->m->objects.n && c->owner[u->object] == u->thread;
}

static void crew_earlier(uint64_t *first, uint64_t at) {
    if (at && (!*first || at < *first)) *first = at;
}

static void crew_owners(struct crew_all *c) {
    const struct model *m = c->b->m;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        if (!crew_is_cell(model_object(m, u->object)) || !crew_waits(u) || u->object >= m->objects.n) continue;
        uint32_t *o = &c->owner[u->object];
        *o = !*o && model_thread(m, u->thread) ? u->thread : *o == u->thread && *o ? *o : MANY;
    }
}

static struct crew *crew_find(struct crew_all *c, const struct twatch_use *u) {
    char key[100];
    const struct twatch_stack *s = model_stack(c->b->m, u->wait_stack);
    snprintf(key, sizeof key, "%u %llx %llx", c->b->group_of[u->thread],
            (unsigned long long)(s && s->nframes ? s->pc[0] : 0),
            (unsigned long long)(s && s->nframes > 1 ? s->pc[1] : 0));
    struct crew *x;
    HASH_FIND_STR(c->by_key, key, x);
    if (x) return x;
    size_t n = strlen(key) + 1;
    x = arena_alloc(c->b->a, sizeof *x + n);
    memcpy(x->key, key, n);
    HASH_ADD_STR(c->by_key, key, x);
    return x;
}

/* A thread belongs to where it waits most at things of its own: once it is there, it stays, as threads have one such
 * place. */
static void crew_members(struct crew_all *c) {
    const struct model *m = c->b->m;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        if (!crew_owns(c, u)) continue;
        struct crew *x = crew_find(c, u);
        struct crew **mine = &c->of_thread[u->thread];
        if (!*mine) {
            uint32_t parent = model_thread(m, u->thread)->parent;
            uint32_t made = model_thread(m, u->thread)->create_stack;
            if (x->n == 0) x->made = made;
            x->parent = x->n == 0 || (x->parent == parent && x->made == made) ? parent : MANY;
            x->n++;
            *mine = x;
        }
        if (*mine != x) continue;
        x->waits += u->waits;
        x->empty += u->empty_wakeups;
        x->wait_ns += u->wait_ns;
        crew_earlier(&c->first_wait[u->thread], u->first_ns);
    }
}

static void crew_others(struct crew_all *c) {
    const struct model *m = c->b->m;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        if (u->object >= m->objects.n || !model_thread(m, u->thread) || crew_owns(c, u)) continue;
        if (c->of_thread[u->thread]) c->of_thread[u->thread]->elsewhere_ns += u->wait_ns;
        if (!u->posts) continue;
        crew_earlier(&c->first_post[u->thread], u->first_ns);
        uint32_t owner = c->owner[u->object];
        struct crew *x = owner && owner != MANY ? c->of_thread[owner] : NULL;
        if (!x) continue;
        x->posts += u->posts;
        if (model_thread(m, u->thread)->parent == owner) x->by_children += u->posts;
        if (model_thread(m, owner)->parent == u->thread) x->by_creators += u->posts;
    }
    for (uint32_t id = 1; id < m->threads.n; id++) {
        struct crew *x = c->of_thread[id];
        if (!x) continue;
        uint32_t parent = model_thread(m, id)->parent;
        x->grown = x->grown || (model_thread(m, parent) && c->of_thread[parent] == x);
        x->waited_first += c->first_wait[id] && (!c->first_post[id] || c->first_wait[id] < c->first_post[id]);
    }
}

static bool crew_is_pool(const struct crew *x) {
    uint64_t woken = x->waits > x->empty ? x->waits - x->empty : 0;
    if (x->n < LEAST_MEMBERS || woken < LEAST_WAKES || x->posts < LEAST_WAKES || x->wait_ns < x->elsewhere_ns)
        return false;
    if (x->grown) return x->by_children * 2 < x->posts;
    return x->parent != MANY && x->by_creators * 10 >= x->posts * 9 && x->waited_first == x->n;
}

/* ---- one line and one group of each ---- */

static void crew_line(struct crew_all *c, struct crew *x, uint32_t old_group, uint32_t object) {
    struct build *b = c->b;
    struct build_line *l = arena_alloc(b->a, sizeof *l + 1);
    struct build_group *g = arena_alloc(b->a, sizeof *g + 1);
    *g = (struct build_group){.name = b->groups.at[old_group]->name,
            .routine = b->groups.at[old_group]->routine,
            .index = (uint32_t)b->groups.n,
            .n = x->n};
    vec_push(&b->groups, g);
    *l = (struct build_line){.object = object,
            .kind = model_object(b->m, object)->kind,
            .crew = true,
            .grown = x->grown,
            .from = b->parts.n,
            .to = b->parts.n};
    vec_push(&b->lines, l);
    l->index = x->index = (uint32_t)b->lines.n;
    for (uint32_t id = 1; id < b->m->threads.n; id++)
        if (c->of_thread[id] == x) b->group_of[id] = g->index;
}

static int crew_order(const void *pa, const void *pb) {
    const struct build_part *x = pa, *y = pb;
    return x->group != y->group ? (x->group < y->group ? -1 : 1) : x->thread < y->thread ? -1 : x->thread > y->thread;
}

static void crew_parts(struct crew_all *c, struct build_line *l) {
    struct build *b = c->b;
    size_t before = b->parts.n;
    for (size_t i = 0; i < before; i++) { /* a copy: the parts move when they grow */
        struct build_part p = b->parts.at[i];
        uint32_t object = b->lines.at[p.line - 1]->object, owner = b->lines.at[p.line - 1]->crew ? 0 : c->owner[object];
        struct crew *x = owner && owner != MANY ? c->of_thread[owner] : NULL;
        if (!x || x->index != l->index || b->lines.at[p.line - 1]->python) continue;
        p.line = l->index;
        p.group = b->group_of[p.thread];
        vec_push(&b->parts, p);
        b->line_of[object] = l->index;
    }
    l->from = before;
    l->to = b->parts.n;
    if (l->to > l->from) qsort(b->parts.at + l->from, l->to - l->from, sizeof *b->parts.at, crew_order);
}

void crew_build(struct build *b) {
    const struct model *m = b->m;
    if (m->header->flags & TWATCH_HDR_PYTHON) return; /* its condition variables make a lock for each wait */
    struct crew_all c = {.b = b,
            .of_thread = mem_new((size_t)m->threads.n + 1, sizeof(struct crew *)),
            .owner = mem_new((size_t)m->objects.n + 1, sizeof(uint32_t)),
            .first_wait = mem_new((size_t)m->threads.n + 1, sizeof(uint64_t)),
            .first_post = mem_new((size_t)m->threads.n + 1, sizeof(uint64_t))};
    crew_owners(&c);
    crew_members(&c);
    crew_others(&c);
    size_t known = b->lines.n;
    for (size_t i = 0; i < m->uses.n; i++) {
        const struct twatch_use *u = model_use(m, i);
        struct crew *x = crew_owns(&c, u) ? c.of_thread[u->thread] : NULL;
        if (x && !x->index && crew_is_pool(x)) crew_line(&c, x, b->group_of[u->thread], u->object);
    }
    for (size_t i = known; i < b->lines.n; i++)
        crew_parts(&c, b->lines.at[i]);
    HASH_CLEAR(hh, c.by_key);
    free(c.of_thread);
    free(c.owner);
    free(c.first_wait);
    free(c.first_post);
}
