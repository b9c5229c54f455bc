#include "mkrecord.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MK_KINDS = 17, MK_DEP_BUCKETS = 1 << 16 };

struct mk_bytes {
    unsigned char *at;
    size_t n, cap;
};

struct mkrecord {
    struct twatch_header header;
    struct mk_bytes kind[MK_KINDS]; /* elements, one after the other */
    uint32_t strings, stacks;
    size_t nslots;
    struct mk_dep {
        size_t offset;
        struct mk_dep *next;
    } * *deps;
};

static const uint32_t mk_elem[MK_KINDS] = {[TWATCH_CHUNK_MODULE] = sizeof(struct twatch_module),
        [TWATCH_CHUNK_THREAD] = sizeof(struct twatch_thread),
        [TWATCH_CHUNK_SLOT] = sizeof(struct twatch_slot),
        [TWATCH_CHUNK_OBJECT] = sizeof(struct twatch_object),
        [TWATCH_CHUNK_INCIDENT] = sizeof(struct twatch_incident),
        [TWATCH_CHUNK_STAT] = sizeof(struct twatch_stat),
        [TWATCH_CHUNK_USE] = sizeof(struct twatch_use),
        [TWATCH_CHUNK_INTERVAL] = sizeof(struct twatch_interval),
        [TWATCH_CHUNK_QUEUE] = sizeof(struct twatch_queue)};

static void *mk_add(struct mkrecord *r, int kind, size_t size) {
    struct mk_bytes *b = &r->kind[kind];
    size = (size + 7) & ~(size_t)7;
    if (b->n + size > b->cap) {
        b->cap = b->cap * 2 > b->n + size ? b->cap * 2 : b->n + size + 4096;
        b->at = realloc(b->at, b->cap);
        if (!b->at) abort();
    }
    void *p = memset(b->at + b->n, 0, size);
    b->n += size;
    return p;
}

static void *mk_elem_at(struct mkrecord *r, int kind, uint32_t id) {
    if (id == 0 || (size_t)id * mk_elem[kind] > r->kind[kind].n) abort();
    return r->kind[kind].at + (size_t)(id - 1) * mk_elem[kind];
}

static uint32_t mk_count(const struct mkrecord *r, int kind) {
    return (uint32_t)(r->kind[kind].n / mk_elem[kind]);
}

struct mkrecord *mkrecord_new(const char *exe) {
    struct mkrecord *r = calloc(1, sizeof *r);
    if (!r || !(r->deps = calloc(MK_DEP_BUCKETS, sizeof *r->deps))) abort();
    struct twatch_header *h = &r->header;
    memcpy(h->magic, TWATCH_MAGIC, sizeof h->magic);
    h->version = TWATCH_RECORD_VERSION;
    h->header_size = TWATCH_PAGE;
    h->start_ns = 1000000000;
    h->end_ns = 2000000000;
    h->alive_ns = 2000000000;
    h->pid = 1000;
    h->parent_pid = 1;
    h->end = TWATCH_END_EXIT;
    h->end_thread = 1;
    h->nprocs = 2;
    h->exe = mkrecord_string(r, exe);
    h->argv = h->exe;
    h->cwd = mkrecord_string(r, "/");
    memcpy(h->twatch_version, "0.1.0", 6);
    mkrecord_module(r, exe, 0x400000, 0x400000, 0x500000);
    uint32_t main_thread = mkrecord_thread(r, 0, "main");
    mkrecord_thread_at(r, main_thread)->flags = TWATCH_THREAD_MAIN;
    return r;
}

void mkrecord_free(struct mkrecord *r) {
    for (size_t i = 0; i < MK_DEP_BUCKETS; i++)
        for (struct mk_dep *d = r->deps[i], *next; d; d = next) {
            next = d->next;
            free(d);
        }
    for (int k = 0; k < MK_KINDS; k++)
        free(r->kind[k].at);
    free(r->deps);
    free(r);
}

struct twatch_header *mkrecord_header(struct mkrecord *r) {
    return &r->header;
}

uint32_t mkrecord_bytes(struct mkrecord *r, const char *text, uint32_t length) {
    size_t size = (offsetof(struct twatch_string, text) + length + 1 + 7) & ~(size_t)7;
    struct twatch_string *s = mk_add(r, TWATCH_CHUNK_STRING, size);
    s->size = (uint32_t)size;
    s->id = ++r->strings;
    s->length = length;
    memcpy(s->text, text, length);
    return s->id;
}

uint32_t mkrecord_string(struct mkrecord *r, const char *text) {
    return mkrecord_bytes(r, text, (uint32_t)strlen(text));
}

uint32_t mkrecord_module(struct mkrecord *r, const char *path, uint64_t bias, uint64_t start, uint64_t end) {
    uint32_t name = mkrecord_string(r, path);
    struct twatch_module *m = mk_add(r, TWATCH_CHUNK_MODULE, sizeof *m);
    *m = (struct twatch_module){.bias = bias, .start = start, .end = end, .path = name, .loaded_seq = 1};
    return mk_count(r, TWATCH_CHUNK_MODULE);
}

uint32_t mkrecord_stack(struct mkrecord *r, const uint64_t *pcs, uint16_t n) {
    struct twatch_stack *s = mk_add(r, TWATCH_CHUNK_STACK, sizeof *s + n * sizeof *pcs);
    s->size = (uint32_t)(sizeof *s + n * sizeof *pcs);
    s->id = ++r->stacks;
    s->module_seq = 1;
    s->nframes = n;
    memcpy(s->pc, pcs, n * sizeof *pcs);
    return s->id;
}

uint32_t mkrecord_thread(struct mkrecord *r, uint32_t parent, const char *name) {
    mk_add(r, TWATCH_CHUNK_THREAD, sizeof(struct twatch_thread));
    uint32_t id = mk_count(r, TWATCH_CHUNK_THREAD);
    struct twatch_thread *t = mkrecord_thread_at(r, id);
    t->parent = parent;
    t->tid = (int32_t)(1000 + id);
    t->birth_ns = r->header.start_ns + id;
    snprintf(t->name, sizeof t->name, "%s", name);
    if (parent) {
        struct twatch_thread *p = mkrecord_thread_at(r, parent);
        t->ordinal = ++p->nchildren;
        t->parent_segment = p->segment++;
    }
    r->header.nthreads = id;
    return id;
}

void mkrecord_end(struct mkrecord *r, uint32_t thread, uint32_t how) {
    struct twatch_thread *t = mkrecord_thread_at(r, thread);
    t->end = how;
    t->end_ns = r->header.start_ns + 1000000 + thread;
}

void mkrecord_join(struct mkrecord *r, uint32_t joiner, uint32_t thread) {
    struct twatch_thread *j = mkrecord_thread_at(r, joiner), *t = mkrecord_thread_at(r, thread);
    if (t->end == TWATCH_THREAD_RUNNING) mkrecord_end(r, thread, TWATCH_THREAD_RETURNED);
    t->joiner = joiner;
    t->join_segment = ++j->segment;
    t->flags |= TWATCH_THREAD_JOINED;
}

uint32_t mkrecord_object(struct mkrecord *r, uint8_t kind, uint64_t address, uint32_t create_stack) {
    struct twatch_object *o = mk_add(r, TWATCH_CHUNK_OBJECT, sizeof *o);
    o->address = address;
    o->generation = 1;
    o->kind = kind;
    o->creator = 1;
    o->create_stack = create_stack;
    if (create_stack) o->flags = TWATCH_OBJF_INIT_SEEN;
    return mk_count(r, TWATCH_CHUNK_OBJECT);
}

static size_t mk_dep_hash(const struct twatch_dep *d) {
    uint64_t h = d->thread * 0x9e3779b97f4a7c15ull ^ d->object ^ ((uint64_t)d->mode << 40) ^ d->site * 31 ^
                 (uint64_t)d->stack << 20;
    for (uint32_t i = 0; i < d->nheld; i++)
        h = (h ^ d->held[i].object ^ (uint64_t)d->held[i].mode << 33) * 0xd6e8feb86659fd93ull;
    return (size_t)(h >> 40) % MK_DEP_BUCKETS;
}

static int mk_dep_same(const struct twatch_dep *a, const struct twatch_dep *b) {
    return a->thread == b->thread && a->object == b->object && a->mode == b->mode && a->site == b->site &&
           a->stack == b->stack && a->nheld == b->nheld && memcmp(a->held, b->held, a->nheld * sizeof a->held[0]) == 0;
}

static void mk_dep_segment(struct twatch_dep *d, uint32_t segment) {
    uint32_t n = d->nsegments, last = n <= 4 ? n - 1 : 4 + (n - 1) % 4;
    if (n && d->segments[last] == segment) return;
    d->nsegments = ++n;
    d->segments[n <= 4 ? n - 1 : 4 + (n - 1) % 4] = segment;
}

void mkrecord_dep_full(struct mkrecord *r, uint32_t thread, uint32_t object, uint8_t mode, uint8_t flags,
        uint32_t stack, uint64_t site, const struct twatch_dep_held *held, uint16_t nheld) {
    size_t size = sizeof(struct twatch_dep) + nheld * sizeof *held;
    struct twatch_dep *d = mk_add(r, TWATCH_CHUNK_DEP, size);
    *d = (struct twatch_dep){.size = (uint32_t)size,
            .thread = thread,
            .object = object,
            .mode = mode,
            .flags = flags,
            .stack = stack,
            .site = site,
            .nheld = nheld};
    if (nheld) memcpy(d->held, held, nheld * sizeof *held);
    struct mk_bytes *all = &r->kind[TWATCH_CHUNK_DEP];
    size_t bucket = mk_dep_hash(d), offset = all->n - size;
    for (struct mk_dep *e = r->deps[bucket]; e; e = e->next) {
        struct twatch_dep *old = (void *)(all->at + e->offset);
        if (!mk_dep_same(old, d)) continue;
        all->n -= size;
        old->count++;
        old->flags &= flags | (uint8_t) ~(TWATCH_DEP_TRY | TWATCH_DEP_TIMED);
        mk_dep_segment(old, mkrecord_thread_at(r, thread)->segment);
        return;
    }
    d->count = 1;
    mk_dep_segment(d, mkrecord_thread_at(r, thread)->segment);
    struct mk_dep *e = malloc(sizeof *e);
    if (!e) abort();
    *e = (struct mk_dep){offset, r->deps[bucket]};
    r->deps[bucket] = e;
}

void mkrecord_dep(struct mkrecord *r, uint32_t thread, uint32_t object, const uint32_t *held, uint16_t nheld) {
    struct twatch_dep_held h[64];
    if (nheld > 64) abort();
    memset(h, 0, sizeof h);
    for (uint32_t i = 0; i < nheld; i++)
        h[i] = (struct twatch_dep_held){.object = held[i], .site = 0x400000 + held[i] * 16u};
    mkrecord_dep_full(r, thread, object, TWATCH_MODE_EXCLUSIVE, 0, 0, 0x410000 + object * 16u, h, nheld);
}

#define MK_COPY(name, type, KIND)                                                                                      \
    void mkrecord_##name(struct mkrecord *r, const struct twatch_##type *x) {                                          \
        memcpy(mk_add(r, TWATCH_CHUNK_##KIND, sizeof *x), x, sizeof *x);                                               \
    }
MK_COPY(incident, incident, INCIDENT)
MK_COPY(stat, stat, STAT)
MK_COPY(use, use, USE)
MK_COPY(queue, queue, QUEUE)
MK_COPY(interval, interval, INTERVAL)

void mkrecord_race(struct mkrecord *r, const struct twatch_race *race, const uint32_t *locks) {
    size_t n = (size_t)race->side[0].nlocks + race->side[1].nlocks;
    size_t size = (sizeof *race + n * sizeof *locks + 7) & ~(size_t)7;
    struct twatch_race *x = mk_add(r, TWATCH_CHUNK_RACE, size);
    *x = *race;
    x->size = (uint32_t)size;
    if (n) memcpy(x->locks, locks, n * sizeof *locks);
}

struct twatch_slot *mkrecord_slot(struct mkrecord *r, uint32_t thread) {
    for (uint32_t i = 1; i <= mk_count(r, TWATCH_CHUNK_SLOT); i++) {
        struct twatch_slot *s = mk_elem_at(r, TWATCH_CHUNK_SLOT, i);
        if (s->thread == thread) return s;
    }
    struct twatch_slot *s = mk_add(r, TWATCH_CHUNK_SLOT, sizeof *s);
    s->thread = thread;
    s->held_capacity = TWATCH_SLOT_HELD;
    mkrecord_thread_at(r, thread)->slot = mk_count(r, TWATCH_CHUNK_SLOT);
    return s;
}

void mkrecord_hold(struct mkrecord *r, uint32_t thread, uint32_t object, uint32_t stack) {
    struct twatch_slot *s = mkrecord_slot(r, thread);
    if (s->nheld == TWATCH_SLOT_HELD) abort();
    s->held[s->nheld++] =
            (struct twatch_held){.address = mkrecord_object_at(r, object)->address, .object = object, .stack = stack};
}

struct twatch_thread *mkrecord_thread_at(struct mkrecord *r, uint32_t id) {
    return mk_elem_at(r, TWATCH_CHUNK_THREAD, id);
}
struct twatch_object *mkrecord_object_at(struct mkrecord *r, uint32_t id) {
    return mk_elem_at(r, TWATCH_CHUNK_OBJECT, id);
}

void mkrecord_like(struct mkrecord *r, uint32_t object, uint32_t segment, const uint32_t *held) {
    uint16_t nheld = ((struct twatch_dep *)(void *)r->kind[TWATCH_CHUNK_DEP].at)->nheld;
    size_t size = (sizeof(struct twatch_like) + nheld * sizeof *held + 7) & ~(size_t)7;
    struct twatch_like *l = mk_add(r, TWATCH_CHUNK_LIKE, size);
    l->size = (uint32_t)size;
    l->of = 1; /* see mkrecord_image */
    l->object = object;
    l->segment = segment;
    l->count = 1;
    memcpy(l->held, held, nheld * sizeof *held);
}

/* ---- the file ---- */

static size_t mk_take(const struct mkrecord *r, int kind,
        size_t from) { /* bytes of the next chunk: whole elements, at most 1 MiB or one element */
    const struct mk_bytes *b = &r->kind[kind];
    size_t n = 0, limit = 1 << 20;
    while (from + n < b->n) {
        uint32_t size = mk_elem[kind];
        if (!size) memcpy(&size, b->at + from + n, sizeof size);
        if (n && n + size > limit) break;
        n += size;
    }
    return n;
}

static void mk_chunk(
        unsigned char *image, size_t at, int kind, const unsigned char *data, size_t n, uint32_t first_id) {
    struct twatch_chunk c = {.magic = TWATCH_CHUNK_MAGIC,
            .kind = (uint16_t)kind,
            .pages = (uint16_t)((n + sizeof c + TWATCH_PAGE - 1) / TWATCH_PAGE),
            .offset = at,
            .first_id = mk_elem[kind] ? first_id : 0,
            .elem_size = mk_elem[kind],
            .used = (uint32_t)n};
    memcpy(image + at, &c, sizeof c);
    memcpy(image + at + sizeof c, data, n);
    if (kind != TWATCH_CHUNK_SLOT) return;
    for (size_t k = 0; k < n; k += sizeof(struct twatch_slot)) { /* inline held arrays are found by file offset */
        struct twatch_slot *s = (void *)(image + at + sizeof c + k);
        s->held_offset = at + sizeof c + k + offsetof(struct twatch_slot, held);
    }
}

/* The first dependency has its place in the file: `first`. */
static void mk_place_likes(struct mkrecord *r, size_t first) {
    struct mk_bytes *all = &r->kind[TWATCH_CHUNK_LIKE];
    for (size_t at = 0; at < all->n;) {
        struct twatch_like *l = (void *)(all->at + at);
        l->of = (uint32_t)(first / 8);
        at += l->size;
    }
}

unsigned char *mkrecord_image(struct mkrecord *r, size_t *size) {
    size_t pages = 1;
    for (int k = 0; k < MK_KINDS; k++)
        for (size_t from = 0, n; (n = mk_take(r, k, from)) > 0; from += n)
            pages += (n + sizeof(struct twatch_chunk) + TWATCH_PAGE - 1) / TWATCH_PAGE;
    unsigned char *image = calloc(pages, TWATCH_PAGE);
    if (!image) abort();
    *size = pages * TWATCH_PAGE;
    r->header.alloc_end = *size;
    memcpy(image, &r->header, sizeof r->header);
    size_t at = TWATCH_PAGE;
    for (int k = 0; k < MK_KINDS; k++)
        for (size_t from = 0, n; (n = mk_take(r, k, from)) > 0; from += n) {
            uint32_t first = mk_elem[k] ? (uint32_t)(from / mk_elem[k]) + 1 : 0;
            if (k == TWATCH_CHUNK_DEP && from == 0) mk_place_likes(r, at + sizeof(struct twatch_chunk));
            mk_chunk(image, at, k, r->kind[k].at + from, n, first);
            at += (n + sizeof(struct twatch_chunk) + TWATCH_PAGE - 1) / TWATCH_PAGE * TWATCH_PAGE;
        }
    return image;
}

int mkrecord_save(struct mkrecord *r, const char *path) {
    size_t size;
    unsigned char *image = mkrecord_image(r, &size);
    FILE *f = fopen(path, "wb");
    int bad = !f || fwrite(image, 1, size, f) != size;
    if (f && fclose(f) != 0) bad = 1;
    free(image);
    return bad ? -1 : 0;
}
