#include "model/model.h"
#include "model/interval.h"
#include "model/state.h"
#include "record/reader.h"

#include <inttypes.h>
#include <string.h>

#define MODEL_GET(table, id) ((id) < (table).n ? (table).at[id] : NULL)

const struct twatch_thread *model_thread(const struct model *m, uint32_t id) {
    return MODEL_GET(m->threads, id);
}
const struct twatch_object *model_object(const struct model *m, uint32_t id) {
    return MODEL_GET(m->objects, id);
}
const struct twatch_module *model_module(const struct model *m, uint32_t id) {
    return MODEL_GET(m->modules, id);
}
const struct twatch_stack *model_stack(const struct model *m, uint32_t id) {
    return MODEL_GET(m->stacks, id);
}
const struct twatch_dep *model_dep(const struct model *m, size_t i) {
    return m->deps.at[i];
}
const struct twatch_incident *model_incident(const struct model *m, size_t i) {
    return m->incidents.at[i];
}
const struct twatch_stat *model_stat(const struct model *m, size_t i) {
    return m->stats.at[i];
}
const struct twatch_use *model_use(const struct model *m, size_t i) {
    return m->uses.at[i];
}

const struct twatch_queue *model_queue(const struct model *m, size_t i) {
    return m->queues.at[i];
}
const struct twatch_interval *model_interval(const struct model *m, size_t i) {
    return m->intervals.at[i];
}
const struct twatch_race *model_race(const struct model *m, size_t i) {
    return m->races.at[i];
}
const struct twatch_race_info *model_race_info(const struct model *m, size_t i) {
    return m->race_infos.at[i];
}

const struct model_state *model_state_of(const struct model *m, uint32_t thread) {
    if (thread >= m->threads.n || !m->state_of || !m->state_of[thread]) return NULL;
    return &m->states[m->state_of[thread] - 1];
}

const char *model_string(const struct model *m, uint32_t id, size_t *length) {
    const struct twatch_string *s = MODEL_GET(m->strings, id);
    if (length) *length = s ? s->length : 0;
    return s ? s->text : "";
}

double model_seconds(uint64_t from_ns, uint64_t to_ns) {
    return from_ns && to_ns > from_ns ? (double)(to_ns - from_ns) / 1e9 : 0;
}

/* ---- building ---- */

/*
 * The writer hands out ids one after the other, so a record of n bytes cannot have ids much beyond n / (size of the
 * smallest element); a higher one is damage, and would ask for a table out of proportion to the file.
 */
static uint32_t model_id_limit(const struct record *r) {
    uint64_t limit = r->size / 16 + 4096;
    return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

struct model_damage { /* of one table */
    uint64_t range, twice, bad;
};

static void model_put(struct model_table *t, uint64_t *cap, uint64_t id, const void *element, uint32_t limit,
        struct model_damage *damage) {
    if (id == 0 || id > limit) {
        damage->range++;
        return;
    }
    if (id >= *cap) {
        uint64_t want = *cap * 2 > id + 1 ? *cap * 2 : id + 1;
        if (want < 64) want = 64;
        t->at = mem_grow(t->at, want, sizeof *t->at);
        memset(t->at + *cap, 0, (want - *cap) * sizeof *t->at);
        *cap = want;
    }
    if (t->at[id]) {
        damage->twice++;
        return;
    }
    t->at[id] = element;
    if (id >= t->n) t->n = (uint32_t)id + 1;
}

static void model_say_damage(struct record *r, const char *what, const struct model_damage *d) {
    if (d->range) record_note(r, "%" PRIu64 " %s with an impossible number were left out", d->range, what);
    if (d->twice) record_note(r, "%" PRIu64 " %s with the number of another one were left out", d->twice, what);
    if (d->bad) record_note(r, "%" PRIu64 " %s that contradict themselves were left out", d->bad, what);
}

static bool model_fixed_ok(uint16_t kind, const void *element) {
    if (kind != TWATCH_CHUNK_OBJECT) return true;
    const struct twatch_object *o = element;
    return o->kind > TWATCH_OBJ_NONE && o->kind <= TWATCH_OBJ_EVENTS;
}

static void model_fixed(struct record *r, uint16_t kind, struct model_table *t, const char *what) {
    struct model_damage damage = {0};
    uint64_t cap = 0;
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        if (c->kind != kind) continue;
        uint32_t n = c->used / c->elem_size;
        for (uint32_t k = 0; k < n; k++) {
            const void *element = c->data + (uint64_t)k * c->elem_size;
            if (!model_fixed_ok(kind, element))
                damage.bad++;
            else
                model_put(t, &cap, (uint64_t)c->first_id + k, element, model_id_limit(r), &damage);
        }
    }
    model_say_damage(r, what, &damage);
}

/* A string whose text ends in NUL inside its element; a copy of one that does not. NULL when it contradicts itself. */
static const struct twatch_string *model_check_string(struct model *m, const struct twatch_string *s) {
    uint32_t room = s->size - (uint32_t)offsetof(struct twatch_string, text);
    if (s->length > room) return NULL;
    if (s->length < room && s->text[s->length] == '\0') return s;
    struct twatch_string *copy = arena_alloc(&m->arena, offsetof(struct twatch_string, text) + s->length + 1u);
    memcpy(copy, s, offsetof(struct twatch_string, text) + s->length);
    return copy;
}

static void model_strings(struct model *m, struct record *r) {
    struct model_damage damage = {0};
    uint64_t cap = 0;
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        const struct twatch_string *s;
        for (uint32_t at = 0; c->kind == TWATCH_CHUNK_STRING && (s = record_next(r, c, &at, 16));) {
            const struct twatch_string *good = model_check_string(m, s);
            if (good)
                model_put(&m->strings, &cap, good->id, good, model_id_limit(r), &damage);
            else
                damage.bad++;
        }
    }
    model_say_damage(r, "strings", &damage);
}

static void model_stacks(struct model *m, struct record *r) {
    struct model_damage damage = {0};
    uint64_t cap = 0;
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        const struct twatch_stack *s;
        for (uint32_t at = 0; c->kind == TWATCH_CHUNK_STACK && (s = record_next(r, c, &at, sizeof *s));) {
            if (s->nframes <= TWATCH_MAX_FRAMES && sizeof *s + s->nframes * sizeof s->pc[0] <= s->size)
                model_put(&m->stacks, &cap, s->id, s, model_id_limit(r), &damage);
            else
                damage.bad++;
        }
    }
    model_say_damage(r, "stacks", &damage);
}

static bool model_dep_ok(const struct model *m, const struct twatch_dep *d) {
    if (sizeof *d + d->nheld * sizeof d->held[0] > d->size) return false;
    if (d->mode > TWATCH_MODE_SHARED || !model_thread(m, d->thread) || !model_object(m, d->object)) return false;
    for (uint32_t i = 0; i < d->nheld; i++)
        if (d->held[i].mode > TWATCH_MODE_SHARED || !model_object(m, d->held[i].object)) return false;
    return true;
}

static bool model_race_ok(const struct twatch_race *x) {
    uint64_t locks = (uint64_t)x->side[0].nlocks + x->side[1].nlocks;
    return locks <= (x->size - sizeof *x) / sizeof x->locks[0];
}

static void model_variable(
        struct model *m, struct record *r, uint16_t kind, struct model_list *list, const char *what) {
    VEC(const void *) all = {0};
    struct model_damage damage = {0};
    uint32_t minimum = kind == TWATCH_CHUNK_DEP ? sizeof(struct twatch_dep) : sizeof(struct twatch_race);
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        const void *e;
        for (uint32_t at = 0; c->kind == kind && (e = record_next(r, c, &at, minimum));) {
            if (kind == TWATCH_CHUNK_DEP ? model_dep_ok(m, e) : model_race_ok(e))
                vec_push(&all, e);
            else
                damage.bad++;
        }
    }
    *list = (struct model_list){all.at, all.n};
    model_say_damage(r, what, &damage);
}

/* The whole dependency at a place in the file; NULL: there is none. Those read from the file stand in its order. */
static const struct twatch_dep *model_dep_at(const struct model *m, const struct record *r, uint64_t offset) {
    size_t low = 0, high = m->deps.n;
    const unsigned char *want = offset < r->size ? r->base + offset : NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((const unsigned char *)m->deps.at[middle] < want)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->deps.n && m->deps.at[low] == want ? m->deps.at[low] : NULL;
}

/* NULL: damaged. */
static const struct twatch_dep *model_like(struct model *m, const struct record *r, const struct twatch_like *l) {
    const struct twatch_dep *of = model_dep_at(m, r, (uint64_t)l->of * 8);
    if (!of || sizeof *l + of->nheld * sizeof l->held[0] > l->size || !model_object(m, l->object)) return NULL;
    size_t size = sizeof *of + of->nheld * sizeof of->held[0];
    struct twatch_dep *d = arena_alloc(&m->arena, size);
    memcpy(d, of, size);
    d->object = l->object;
    d->count = l->count;
    d->nsegments = 1;
    d->segments[0] = l->segment;
    for (uint32_t i = 0; i < d->nheld; i++) {
        if (!model_object(m, l->held[i])) return NULL;
        d->held[i].object = l->held[i];
    }
    return d;
}

/* Appends the members of families, each as a whole dependency: nothing behind the model knows that they were written
 * shorter. */
static void model_likes(struct model *m, struct record *r) {
    VEC(const void *) all = {0};
    struct model_damage damage = {0};
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        const struct twatch_like *l;
        for (uint32_t at = 0; c->kind == TWATCH_CHUNK_LIKE && (l = record_next(r, c, &at, sizeof *l));) {
            const struct twatch_dep *d = l->of ? model_like(m, r, l) : NULL;
            if (d) vec_push(&all, d);
            damage.bad += l->of && !d;
        }
    }
    if (all.n) {
        m->deps.at = mem_grow(m->deps.at, m->deps.n + all.n, sizeof *m->deps.at);
        memcpy(m->deps.at + m->deps.n, all.at, all.n * sizeof *all.at);
        m->deps.n += all.n;
    }
    free(all.at);
    model_say_damage(r, "short lock dependencies", &damage);
}

static void model_plain(struct record *r, uint16_t kind, struct model_list *list) {
    VEC(const void *) all = {0};
    for (size_t i = 0; i < r->chunks.n; i++) {
        const struct record_chunk *c = &r->chunks.at[i];
        for (uint32_t at = 0; c->kind == kind && at < c->used; at += c->elem_size)
            vec_push(&all, (const void *)(c->data + at));
    }
    *list = (struct model_list){all.at, all.n};
}

static uint64_t model_now(const struct model *m) {
    uint64_t now = m->header->end_ns ? m->header->end_ns : m->header->alive_ns;
    if (m->live && m->record->read_ns > now) now = m->record->read_ns;
    if (m->header->end == TWATCH_END_RUNNING && m->record->killed_ns > now) now = m->record->killed_ns;
    return now;
}

static void model_missing(struct model *m, const struct record *r) {
    m->missing = arena_array(&m->arena, r->notes.n + 1, sizeof *m->missing);
    for (size_t i = 0; i < r->notes.n; i++)
        m->missing[m->nmissing++] = r->notes.at[i];
    if (r->nbroken) m->missing[m->nmissing++] = arena_printf(&m->arena, "and %zu more things of this kind", r->nbroken);
}

void model_build(struct model *m, struct record *r) {
    *m = (struct model){.record = r, .header = &r->header, .path = r->path, .live = r->live};
    m->now_ns = model_now(m);
    model_strings(m, r);
    model_fixed(r, TWATCH_CHUNK_MODULE, &m->modules, "modules");
    model_fixed(r, TWATCH_CHUNK_THREAD, &m->threads, "threads");
    model_fixed(r, TWATCH_CHUNK_OBJECT, &m->objects, "locks");
    model_stacks(m, r);
    model_variable(m, r, TWATCH_CHUNK_DEP, &m->deps, "lock dependencies");
    model_likes(m, r);
    model_variable(m, r, TWATCH_CHUNK_RACE, &m->races, "races");
    model_plain(r, TWATCH_CHUNK_INCIDENT, &m->incidents);
    model_plain(r, TWATCH_CHUNK_STAT, &m->stats);
    model_plain(r, TWATCH_CHUNK_USE, &m->uses);
    model_plain(r, TWATCH_CHUNK_QUEUE, &m->queues);
    model_plain(r, TWATCH_CHUNK_RACEINFO, &m->race_infos);
    state_build(m, r);
    interval_build(m, r);
    model_missing(m, r);
}

void model_free(struct model *m) {
    free(m->strings.at);
    free(m->modules.at);
    free(m->threads.at);
    free(m->objects.at);
    free(m->stacks.at);
    free(m->deps.at);
    free(m->races.at);
    free(m->incidents.at);
    free(m->stats.at);
    free(m->uses.at);
    free(m->queues.at);
    free(m->intervals.at);
    free(m->race_infos.at);
    arena_free(&m->arena);
    *m = (struct model){0};
}
