#include "model/state.h"
#include "record/reader.h"

#include <inttypes.h>
#include <string.h>

struct state_input {
    const struct record *r;
    VEC(const struct record_chunk *) held; /* chunks of HELD, in file order */
    uint32_t *by_address,
            nobjects; /* living objects by address, newest last; made when the first entry without an id is met */
    uint64_t budget; /* entries that may still be copied: held arrays of a true record never overlap, so all of them fit
                        in the file */
};

/* Where `offset` lies in some HELD chunk with room for n entries; NULL if it does not. */
static const unsigned char *state_overflow(const struct state_input *in, uint64_t offset, uint32_t n) {
    size_t lo = 0, hi = in->held.n;
    while (lo < hi) { /* the first chunk behind offset */
        size_t mid = lo + (hi - lo) / 2;
        if (in->held.at[mid]->offset <= offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || offset % 8) return NULL;
    const struct record_chunk *c = in->held.at[lo - 1];
    uint64_t at = offset - c->offset, bytes = (uint64_t)n * sizeof(struct twatch_held);
    return at <= c->room && bytes <= c->room - at ? c->data + at : NULL;
}

static const unsigned char *state_held_bytes(const struct state_input *in, const struct twatch_slot *s) {
    const unsigned char *own = (const unsigned char *)s->held;
    if (s->held_offset == (uint64_t)(own - in->r->base) && s->nheld <= TWATCH_SLOT_HELD) return own;
    return state_overflow(in, s->held_offset, s->nheld);
}

/* ---- locks that were taken so often that the thread did not look up their ids ---- */

static int state_compare(const void *pa, const void *pb, void *ctx) {
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    const struct twatch_object *x = model_object(ctx, a), *y = model_object(ctx, b);
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    if (x->generation != y->generation) return x->generation < y->generation ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void state_index(struct model *m, struct state_input *in) {
    in->by_address = mem_new((size_t)m->objects.n + 1, sizeof *in->by_address);
    for (uint32_t i = 1; i < m->objects.n; i++)
        if (model_object(m, i)) in->by_address[in->nobjects++] = i;
    if (in->nobjects > 1) qsort_r(in->by_address, in->nobjects, sizeof *in->by_address, state_compare, m);
}

/* The newest object at an address; 0 if there is none, or if it is of another kind. */
static uint32_t state_resolve(struct model *m, struct state_input *in, uint64_t address, uint32_t kind) {
    if (!in->by_address) state_index(m, in);
    uint32_t lo = 0, hi = in->nobjects;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (model_object(m, in->by_address[mid])->address <= address)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct twatch_object *o = lo ? model_object(m, in->by_address[lo - 1]) : NULL;
    if (!o || o->address != address || (kind && o->kind != kind)) return 0;
    return in->by_address[lo - 1];
}

static bool state_read(struct model *m, struct state_input *in, const struct twatch_slot *s, struct model_state *out) {
    *out = (struct model_state){.thread = s->thread, .slot = s};
    out->waiting = s->wait_kind != 0 && s->wait_kind <= TWATCH_OBJ_KEY && s->wait_seq % 2 == 0;
    if (s->nheld == 0) return true;
    const unsigned char *bytes = state_held_bytes(in, s);
    if (!bytes || s->nheld > in->budget) return false;
    in->budget -= s->nheld;
    struct twatch_held *held = arena_array(&m->arena, s->nheld, sizeof *held);
    for (uint32_t i = 0; i < s->nheld; i++) {
        struct twatch_held h;
        memcpy(&h, bytes + i * sizeof h, sizeof h);
        if (h.address && !h.object) h.object = state_resolve(m, in, h.address, h.flags >> TWATCH_HELD_KIND_SHIFT);
        h.recursion &= TWATCH_HELD_RECURSION;
        if (h.address && model_object(m, h.object) && h.mode <= TWATCH_MODE_SHARED) held[out->nheld++] = h;
    }
    out->held = held;
    return true;
}

void state_build(struct model *m, struct record *r) {
    VEC(struct model_state) all = {0};
    uint64_t bad = 0;
    struct state_input in = {.r = r, .budget = r->size / sizeof(struct twatch_held)};
    for (size_t i = 0; i < r->chunks.n; i++)
        if (r->chunks.at[i].kind == TWATCH_CHUNK_HELD) vec_push(&in.held, &r->chunks.at[i]);
    m->state_of = arena_array(&m->arena, m->threads.n + 1, sizeof *m->state_of);
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        if (c->kind != TWATCH_CHUNK_SLOT) continue;
        for (uint32_t at = 0; at < c->used; at += c->elem_size) {
            const struct twatch_slot *s = (const void *)(c->data + at);
            if (s->thread == 0) continue;
            if (!model_thread(m, s->thread) || m->state_of[s->thread]) {
                bad++;
                continue;
            }
            struct model_state state;
            if (!state_read(m, &in, s, &state)) bad++;
            vec_push(&all, state);
            m->state_of[s->thread] = (uint32_t)all.n;
        }
    }
    if (bad) record_note(r, "the last state of %" PRIu64 " threads could not be read", bad);
    m->nstates = all.n;
    m->states = arena_array(&m->arena, all.n, sizeof *m->states);
    if (all.n) memcpy(m->states, all.at, all.n * sizeof *m->states);
    vec_free(&all);
    vec_free(&in.held);
    free(in.by_address);
}
