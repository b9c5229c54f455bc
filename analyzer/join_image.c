/* Writing the joined record. */
#include "join.h"

#include "join_table.h"

#include <stdlib.h>
#include <string.h>

enum { IMAGE_CHUNK = 4 << 20 }; /* payload of a chunk, if one element is not larger */

struct image {
    VEC(unsigned char) bytes;
    size_t chunk;   /* offset of the open chunk; 0 none */
    uint32_t elems; /* in it */
};

static unsigned char *image_room(struct image *x, size_t n) {
    vec_reserve(&x->bytes, n);
    unsigned char *at = memset(x->bytes.at + x->bytes.n, 0, n);
    x->bytes.n += n;
    return at;
}

static void image_close(struct image *x) {
    if (!x->chunk) return;
    size_t end = (x->bytes.n + TWATCH_PAGE - 1) / TWATCH_PAGE * TWATCH_PAGE,
           used = x->bytes.n - x->chunk - sizeof(struct twatch_chunk);
    image_room(x, end - x->bytes.n);
    struct twatch_chunk *c = (void *)(x->bytes.at + x->chunk);
    c->used = (uint32_t)used;
    c->pages = (uint16_t)((end - x->chunk) / TWATCH_PAGE);
    x->chunk = 0;
}

static void image_open(struct image *x, uint16_t kind, uint32_t first_id, uint32_t elem_size) {
    image_close(x);
    x->chunk = x->bytes.n;
    struct twatch_chunk *c = (void *)image_room(x, sizeof *c);
    *c = (struct twatch_chunk){.magic = TWATCH_CHUNK_MAGIC,
            .kind = kind,
            .offset = x->chunk,
            .first_id = first_id,
            .elem_size = elem_size};
}

/* One element; a new chunk when the open one is full or of another kind. `id` 0: variable size. */
static void *image_add(struct image *x, uint16_t kind, uint32_t id, size_t size) {
    const struct twatch_chunk *c = (void *)(x->bytes.at + x->chunk);
    size = (size + 7) / 8 * 8;
    if (!x->chunk || c->kind != kind || x->bytes.n - x->chunk + size > IMAGE_CHUNK)
        image_open(x, kind, id, id ? (uint32_t)size : 0);
    return image_room(x, size);
}

static void image_string(struct image *x, uint32_t id, const void *text, size_t length) {
    size_t size = (sizeof(struct twatch_string) + length + 1 + 7) / 8 * 8;
    struct twatch_string *s = image_add(x, TWATCH_CHUNK_STRING, 0, size);
    s->size = (uint32_t)size;
    s->id = id;
    s->length = (uint32_t)length;
    memcpy(s->text, text, length);
}

static void image_stack(struct image *x, const struct join_entry *e) {
    struct twatch_stack *s = image_add(x, TWATCH_CHUNK_STACK, 0, e->length);
    memcpy(s, e->bytes, e->length);
    s->size = (uint32_t)((e->length + 7) / 8 * 8);
    s->id = e->id;
}

static void image_dep(struct image *x, const struct join_dep *d, uint32_t runs) {
    size_t size = sizeof *d->dep + d->dep->nheld * sizeof d->dep->held[0];
    struct twatch_dep *out = image_add(x, TWATCH_CHUNK_DEP, 0, size);
    memcpy(out, d->dep, size);
    out->size = (uint32_t)size;
    out->thread = d->others ? 2 : 1;
    out->nsegments = 1;
    out->segments[0] = runs;
}

static void image_threads(struct image *x) {
    for (uint32_t id = 1; id <= 2 + JOIN_SIDES; id++) {
        struct twatch_thread *t = image_add(x, TWATCH_CHUNK_THREAD, id, sizeof *t);
        t->end = TWATCH_THREAD_RETURNED;
        t->flags = TWATCH_THREAD_JOINED | TWATCH_THREAD_DETACHED | (id == 1 ? (uint32_t)TWATCH_THREAD_MAIN : 0u);
        memcpy(t->name, id == 1 ? "main" : "a thread", id == 1 ? 5 : 9);
    }
}

static void image_tables(struct image *x, struct join *j) {
    for (const struct join_entry *e = j->modules.table; e; e = e->hh.next)
        memcpy(image_add(x, TWATCH_CHUNK_MODULE, e->id, sizeof(struct twatch_module)), e->value,
                sizeof(struct twatch_module));
    image_threads(x);
    for (const struct join_entry *e = j->objects.table; e; e = e->hh.next)
        memcpy(image_add(x, TWATCH_CHUNK_OBJECT, e->id, sizeof(struct twatch_object)), e->bytes,
                sizeof(struct twatch_object));
    for (const struct join_entry *e = j->stacks.table; e; e = e->hh.next)
        image_stack(x, e);
}

/* The sets of runs become strings behind all others; equal ones are one. */
static uint32_t image_deps(struct image *x, struct join *j, uint32_t string) {
    struct join_intern sets = {0};
    for (const struct join_entry *e = j->deps.table; e; e = e->hh.next) {
        const struct join_dep *d = e->value;
        if (!d->nruns) continue; /* of a damaged joined record: nobody had it */
        uint32_t set = join_intern(j, &sets, d->runs, d->nruns, NULL)->id;
        image_dep(x, d, string + set);
    }
    for (const struct join_entry *e = sets.table; e; e = e->hh.next)
        image_string(x, string + e->id, e->bytes, e->length);
    string += sets.n;
    HASH_CLEAR(hh, sets.table);
    return string;
}

static uint32_t image_runs(struct image *x, const struct join *j, uint32_t string) {
    struct strbuf lines = {0};
    for (size_t i = 0; i < j->run_lines.n; i++)
        strbuf_printf(&lines, "%s\n", j->run_lines.at[i]);
    image_string(x, string, strbuf_text(&lines), lines.n);
    strbuf_free(&lines);
    return string;
}

unsigned char *join_image(struct join *j, size_t *size) {
    struct image x = {0};
    struct twatch_header h = {.magic = TWATCH_MAGIC,
            .version = TWATCH_RECORD_VERSION,
            .header_size = TWATCH_PAGE,
            .flags = TWATCH_HDR_MERGED,
            .end = TWATCH_END_EXIT,
            .nthreads = 2 + JOIN_SIDES,
            .start_ns = 1,
            .end_ns = 1,
            .alive_ns = 1};
    h.exe = h.argv = join_string(j, "records joined");
    h.cwd = join_string(j, "/");
    image_room(&x, TWATCH_PAGE);
    image_tables(&x, j);
    for (const struct join_entry *e = j->strings.table; e; e = e->hh.next)
        image_string(&x, e->id, e->bytes, e->length - 1);
    uint32_t last = image_deps(&x, j, j->strings.n);
    h.end_text = image_runs(&x, j, last + 1);
    image_close(&x);
    h.alloc_end = x.bytes.n;
    memcpy(x.bytes.at, &h, sizeof h);
    *size = x.bytes.n;
    return x.bytes.at;
}
