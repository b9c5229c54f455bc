/* Reading records into the tables of a joined one. */
#include "join.h"

#include "join_table.h"
#include "model/locks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOIN_SHIFT = 36, JOIN_MODULES = 1 << 10 }; /* a range of 64 GiB for each module, below 2^46 */

struct join_range { /* one module of the record that is read */
    uint64_t start, end;
    uint32_t loaded, unloaded;
    uint64_t move; /* added to an address in it */
};
typedef VEC(struct join_range) join_ranges;

struct join_map { /* from the ids of one record to those of the joined one */
    struct join *j;
    const struct model *m;
    join_ranges ranges;         /* by start */
    uint32_t *stacks, *objects; /* 0: not looked at yet */
    VEC(uint32_t) runs;         /* new number of each run; one entry when the record is not joined itself */
    bool merged;
    uint32_t exe;
};

struct join *join_new(void) {
    return mem_new(1, sizeof(struct join));
}

void join_free(struct join *j) {
    if (!j) return;
    struct join_intern *all[] = {&j->strings, &j->modules, &j->stacks, &j->objects, &j->deps, &j->runs};
    for (struct join_entry *e = j->deps.table; e; e = e->hh.next)
        free(((struct join_dep *)e->value)->runs);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        HASH_CLEAR(hh, all[i]->table); /* the entries lie in the arena */
    vec_free(&j->run_lines);
    arena_free(&j->arena);
    free(j);
}

struct join_entry *join_intern(struct join *j, struct join_intern *t, const void *bytes, size_t length, bool *made) {
    struct join_entry *e;
    HASH_FIND(hh, t->table, bytes, length, e);
    if (made) *made = !e;
    if (e) return e;
    e = arena_alloc(&j->arena, sizeof *e);
    void *copy = arena_alloc(&j->arena, length + 1);
    memcpy(copy, bytes, length);
    e->bytes = copy;
    e->length = length;
    e->id = ++t->n;
    HASH_ADD_KEYPTR(hh, t->table, e->bytes, length, e);
    return e;
}

uint32_t join_string(struct join *j, const char *text) {
    return join_intern(j, &j->strings, text, strlen(text) + 1, NULL)->id;
}

/* ---- addresses -----------------------------------------------------------------------------------------------------
 */

static int join_by_start(const void *a, const void *b) {
    const struct join_range *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->loaded < y->loaded ? -1 : x->loaded > y->loaded;
}

static void join_module(struct join_map *x, const struct twatch_module *old) {
    const char *path = model_string(x->m, old->path, NULL);
    size_t length = strlen(path) + 1, id_length = old->build_id_len <= TWATCH_BUILD_ID_MAX ? old->build_id_len : 0;
    char *key = mem_new(length + TWATCH_BUILD_ID_MAX, 1);
    memcpy(key, path, length);
    memcpy(key + length, old->build_id, id_length);
    bool made;
    struct join_entry *e = join_intern(x->j, &x->j->modules, key, length + id_length, &made);
    free(key);
    if (made) {
        struct twatch_module *m = arena_alloc(&x->j->arena, sizeof *m);
        *m = *old;
        m->bias = (uint64_t)(e->id <= JOIN_MODULES ? e->id : 0) << JOIN_SHIFT;
        m->start = m->bias + (old->start - old->bias);
        m->end = m->bias + (old->end - old->bias);
        m->path = join_string(x->j, path);
        m->loaded_seq = 1;
        m->unloaded_seq = 0;
        e->value = m;
    }
    const struct twatch_module *new = e->value;
    if (!new->bias || old->end <= old->start || old->end - old->bias >= 1ull << JOIN_SHIFT) return;
    vec_push(&x->ranges,
            (struct join_range){old->start, old->end, old->loaded_seq, old->unloaded_seq, new->bias - old->bias});
}

/* An address moved into the joined record's ranges; 0 when it lies in no module. `seq` 0: any. */
static uint64_t join_address(const struct join_map *x, uint64_t address, uint32_t seq) {
    size_t low = 0, high = x->ranges.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->ranges.at[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t back = 0; back < 8 && low > back; back++) {
        const struct join_range *r = &x->ranges.at[low - 1 - back];
        if (address >= r->end || (seq && (r->loaded > seq || (r->unloaded && r->unloaded <= seq)))) continue;
        return address + r->move;
    }
    return 0;
}

static uint64_t join_pc(struct join_map *x, uint64_t pc, uint32_t seq) {
    if ((pc & TWATCH_FRAME_PYTHON_MASK) == TWATCH_FRAME_PYTHON)
        return TWATCH_FRAME_PYTHON | join_string(x->j, model_string(x->m, (uint32_t)pc, NULL));
    uint64_t moved = join_address(x, pc ? pc - 1 : 0, seq);
    return moved ? moved + 1 : pc & ((1ull << JOIN_SHIFT) - 1); /* code in no module stays a number below all of them */
}

static uint32_t join_stack(struct join_map *x, uint32_t id) {
    const struct twatch_stack *s = model_stack(x->m, id);
    if (!s) return 0;
    if (x->stacks[id]) return x->stacks[id];
    size_t size = sizeof *s + (size_t)s->nframes * sizeof s->pc[0];
    struct twatch_stack *copy = mem_new(size, 1);
    copy->size = (uint32_t)size;
    copy->module_seq = 1;
    copy->nframes = s->nframes;
    copy->flags = s->flags;
    for (uint16_t i = 0; i < s->nframes; i++)
        copy->pc[i] = join_pc(x, s->pc[i], s->module_seq);
    x->stacks[id] = join_intern(x->j, &x->j->stacks, copy, size, NULL)->id;
    free(copy);
    return x->stacks[id];
}

/* ---- locks ---------------------------------------------------------------------------------------------------------
 */

/* The class of a lock as the bytes of an object element. */
static uint32_t join_object(struct join_map *x, uint32_t id) {
    const struct twatch_object *o = model_object(x->m, id);
    if (!o || x->objects[id]) return o ? x->objects[id] : 0;
    struct twatch_object copy;
    memset(&copy, 0, sizeof copy);
    copy.kind = o->kind;
    copy.type = o->type;
    copy.generation = 1;
    copy.flags = o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_HEAP | TWATCH_OBJF_STACK | TWATCH_OBJF_C11 |
                                    TWATCH_OBJF_NAMED | TWATCH_OBJF_PSHARED);
    copy.links = x->merged ? join_string(x->j, model_string(x->m, o->links, NULL)) : x->exe;
    copy.init_value = o->kind == TWATCH_OBJ_SEM ? o->init_value : 0;
    bool named = (o->flags & TWATCH_OBJF_NAMED) && o->kind == TWATCH_OBJ_SEM;
    if (named)
        copy.init_value2 = join_string(x->j, model_string(x->m, o->init_value2, NULL));
    else
        copy.address = join_address(x, o->address, 0);
    if (!named && !copy.address) { /* on the heap or a stack: the place that made it */
        copy.create_stack = join_stack(x, o->create_stack);
        if (!copy.create_stack) copy.create_site = join_pc(x, o->create_site, 0);
    }
    x->objects[id] = join_intern(x->j, &x->j->objects, &copy, sizeof copy, NULL)->id;
    return x->objects[id];
}

/* ---- dependencies --------------------------------------------------------------------------------------------------
 */

static int join_by_object(const void *a, const void *b) {
    const struct twatch_dep_held *x = a, *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    return x->mode < y->mode ? -1 : x->mode > y->mode;
}

/* The held set by class: locks only, each once, none of the wanted class. Returns how many. */
static uint16_t join_held(
        struct join_map *x, const struct twatch_dep *d, uint32_t wanted, struct twatch_dep_held *out) {
    uint16_t n = 0, kept = 0;
    for (uint16_t i = 0; i < d->nheld; i++) {
        const struct twatch_dep_held *h = &d->held[i];
        if ((h->flags & TWATCH_DEP_HELD_FRESH) || (!x->merged && !locks_is_lock(x->m, h->object))) continue;
        uint32_t object = join_object(x, h->object);
        if (!object || object == wanted) continue;
        out[n++] = (struct twatch_dep_held){.object = object,
                .mode = h->mode,
                .stack = join_stack(x, h->stack),
                .site = h->site ? join_pc(x, h->site, 0) : 0};
    }
    if (n > 1) qsort(out, n, sizeof *out, join_by_object);
    for (uint16_t i = 0; i < n; i++)
        if (!kept || out[kept - 1].object != out[i].object) out[kept++] = out[i];
    return kept;
}

static void join_mark(struct join_dep *d, uint32_t run) {
    size_t need = run / 8 + 1;
    if (need > d->nruns) {
        d->runs = mem_grow(d->runs, need, 1);
        memset(d->runs + d->nruns, 0, need - d->nruns);
        d->nruns = need;
    }
    d->runs[run / 8] = (uint8_t)(d->runs[run / 8] | 1u << run % 8);
}

static void join_mark_all(struct join_map *x, struct join_dep *to, const struct twatch_dep *from) {
    if (!x->merged) {
        join_mark(to, x->runs.at[0]);
        return;
    }
    size_t length = 0;
    const char *bits = model_string(x->m, from->segments[0], &length);
    for (size_t run = 0; run < x->runs.n && run / 8 < length; run++)
        if (bits[run / 8] & 1 << run % 8) join_mark(to, x->runs.at[run]);
}

static bool join_is_main(const struct join_map *x, uint32_t thread) {
    const struct twatch_thread *t = model_thread(x->m, thread);
    return x->merged ? thread == 1 : t && (t->flags & TWATCH_THREAD_MAIN);
}

static void join_dep(struct join_map *x, const struct twatch_dep *d, struct strbuf *key, struct twatch_dep_held *held) {
    if ((d->flags & (TWATCH_DEP_TRY | TWATCH_DEP_SELF)) || (!x->merged && !locks_is_lock(x->m, d->object))) return;
    uint32_t wanted = join_object(x, d->object);
    uint16_t n = wanted ? join_held(x, d, wanted, held) : 0;
    if (!n) return;
    uint32_t head[3] = {wanted, d->mode, d->flags & TWATCH_DEP_TIMED};
    key->n = 0;
    strbuf_add(key, (const char *)head, sizeof head);
    for (uint16_t i = 0; i < n; i++) {
        uint32_t part[2] = {held[i].object, held[i].mode};
        strbuf_add(key, (const char *)part, sizeof part);
    }
    bool made;
    struct join_entry *e = join_intern(x->j, &x->j->deps, key->at, key->n, &made);
    struct join_dep *to = e->value;
    if (made) {
        e->value = to = arena_alloc(&x->j->arena, sizeof *to);
        to->dep = arena_alloc(&x->j->arena, sizeof *to->dep + n * sizeof *held);
        *to->dep = (struct twatch_dep){.object = wanted,
                .mode = d->mode,
                .flags = d->flags & TWATCH_DEP_TIMED,
                .nheld = n,
                .stack = join_stack(x, d->stack),
                .site = d->site ? join_pc(x, d->site, 0) : 0};
        memcpy(to->dep->held, held, n * sizeof *held);
    }
    to->dep->count += d->count;
    to->others = to->others || !join_is_main(x, d->thread);
    join_mark_all(x, to, d);
}

/* ---- records -------------------------------------------------------------------------------------------------------
 */

/* The number of the run with this cookie; *made says whether it is new. */
static uint32_t join_run(struct join *j, uint64_t cookie, const char *rest, bool *made) {
    uint32_t number = join_intern(j, &j->runs, &cookie, sizeof cookie, made)->id - 1;
    if (*made) vec_push(&j->run_lines, arena_printf(&j->arena, "%016" PRIx64 " %s", cookie, rest));
    return number;
}

/* The list of a joined record. False when nothing in it is new. */
static bool join_runs_merged(struct join_map *x) {
    bool any = false;
    const char *line = model_string(x->m, x->m->header->end_text, NULL);
    while (*line) {
        char *end, *copy = strndup(line, strcspn(line, "\n"));
        if (!copy) mem_out();
        uint64_t cookie = strtoull(copy, &end, 16);
        bool made = false;
        vec_push(&x->runs, join_run(x->j, cookie, *end == ' ' ? end + 1 : end, &made));
        any = any || made;
        free(copy);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return any;
}

static bool join_runs_single(struct join_map *x) {
    const struct twatch_header *h = x->m->header;
    uint64_t cookie = h->inode_cookie;
    if (!cookie)
        cookie = hash_u64(hash_u64(h->start_realtime_ns ^ (uint64_t)(uint32_t)h->pid << 32) +
                          h->start_ns); /* old or made by hand */
    bool made;
    char *rest = arena_printf(&x->j->arena, "%d %s", h->pid, x->m->path ? x->m->path : "?");
    for (char *p = rest; *p; p++)
        if (*p == '\n') *p = '?';
    vec_push(&x->runs, join_run(x->j, cookie, rest, &made));
    return made;
}

void join_add(struct join *j, const struct model *m) {
    struct join_map x = {.j = j, .m = m, .merged = (m->header->flags & TWATCH_HDR_MERGED) != 0};
    if (x.merged ? join_runs_merged(&x) : join_runs_single(&x)) {
        uint16_t most = 0;
        struct strbuf key = {0};
        x.exe = join_string(j, model_string(m, m->header->exe, NULL));
        x.stacks = mem_new((size_t)m->stacks.n + 1, sizeof *x.stacks);
        x.objects = mem_new((size_t)m->objects.n + 1, sizeof *x.objects);
        for (uint32_t id = 1; id < m->modules.n; id++)
            if (model_module(m, id)) join_module(&x, model_module(m, id));
        if (x.ranges.n) qsort(x.ranges.at, x.ranges.n, sizeof *x.ranges.at, join_by_start);
        for (size_t i = 0; i < m->deps.n; i++)
            if (model_dep(m, i)->nheld > most) most = model_dep(m, i)->nheld;
        struct twatch_dep_held *held = mem_new((size_t)most + 1, sizeof *held);
        for (size_t i = 0; i < m->deps.n; i++)
            join_dep(&x, model_dep(m, i), &key, held);
        free(held);
        strbuf_free(&key);
    }
    free(x.stacks);
    free(x.objects);
    vec_free(&x.ranges);
    vec_free(&x.runs);
}
