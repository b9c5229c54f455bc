#include "deps.h"

#include "held.h"
#include "object.h"
#include "stack.h"

/* Open addressing; private to a thread, so no locks. The elements themselves are in a stream of the record that the thread owns. */
struct tw_dep_table {
    struct tw_stream stream;
    uint32_t mask, used;
    struct dep_entry { uint64_t key; struct twatch_dep *dep; } *entries;
    struct tw_seen *seen; /* the quick way to those seen lately: see tw_deps_seen */
    uint32_t seen_bits;   /* of the number of lines */
    struct tw_dep_table *next;
};

enum { FIRST_BITS = 6, FIRST_ENTRIES = 1 << FIRST_BITS, FIRST_LINES = FIRST_BITS - 3, MOST_LINES = 11 };
enum { SETTLED = 100 }; /* sightings after which a dependency has the stacks that it will ever get, whole or not */

static struct tw_dep_table *free_tables;
static struct tw_lock lock;

static bool new_seen(struct tw_dep_table *d, uint32_t bits) {
    char *lines = tw_sys_memory((sizeof *d->seen << bits) + sizeof *d->seen);
    if (!lines) return false;
    d->seen = (struct tw_seen *)(((uintptr_t)lines + sizeof *d->seen - 1) & ~(uintptr_t)(sizeof *d->seen - 1));
    d->seen_bits = bits;
    return true;
}

static struct tw_dep_table *new_table(void) {
    tw_lock_take(&lock);
    struct tw_dep_table *d = free_tables;
    if (d) free_tables = d->next;
    tw_lock_give(&lock);
    if (d) return d;
    d = tw_sys_memory(sizeof *d);
    if (!d) return NULL;
    d->entries = tw_sys_memory(FIRST_ENTRIES * sizeof *d->entries);
    if (!d->entries || !new_seen(d, FIRST_LINES)) return NULL;
    d->mask = FIRST_ENTRIES - 1;
    d->stream.kind = TWATCH_CHUNK_DEP;
    return d;
}

void tw_deps_release(struct tw_thread *t) {
    struct tw_dep_table *d = t->deps;
    if (!d) return;
    t->deps = NULL;
    t->seen = NULL;
    tw_sys_zero(d->entries, (d->mask + 1ull) * sizeof *d->entries);
    tw_sys_zero(d->seen, sizeof *d->seen << d->seen_bits);
    d->used = 0; /* the stream goes on in its chunk: elements name their thread */
    tw_lock_take(&lock);
    d->next = free_tables;
    free_tables = d;
    tw_lock_give(&lock);
}

void tw_deps_forked(void) {
    free_tables = NULL;
    lock = (struct tw_lock){0};
}

static bool grow(struct tw_dep_table *d) {
    uint32_t size = (d->mask + 1) * 2;
    struct dep_entry *bigger = tw_sys_memory(size * sizeof *bigger);
    if (!bigger) return false;
    for (uint32_t i = 0; i <= d->mask; i++) {
        if (!d->entries[i].dep) continue;
        uint32_t k = (uint32_t)d->entries[i].key & (size - 1);
        while (bigger[k].dep) k = (k + 1) & (size - 1);
        bigger[k] = d->entries[i];
    }
    d->entries = bigger;
    d->mask = size - 1;
    return true;
}

static void use_seen(struct tw_thread *t, const struct tw_dep_table *d) {
    t->seen_shift = 64 - d->seen_bits;
    t->seen = d->seen;
}

static void grow_seen(struct tw_thread *t, struct tw_dep_table *d) {
    if (d->seen_bits < MOST_LINES && new_seen(d, d->seen_bits + 1)) use_seen(t, d);
}

/* Two held sets of equal hash are compared; both hold distinct locks, so equal sizes and inclusion mean equality. */
static bool same(const struct tw_thread *t, const struct twatch_dep *d, const struct twatch_held *inner) {
    if (d->object != inner->object || d->mode != inner->mode || d->site != inner->site) return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        const struct twatch_held *h = &t->held[i];
        if (!h->address) continue;
        if (n < d->nheld && d->held[n].object == h->object && d->held[n].mode == h->mode) {
            n++;
            continue;
        }
        uint32_t k = 0;
        while (k < d->nheld && !(d->held[k].object == h->object && d->held[k].mode == h->mode)) k++;
        if (k == d->nheld) return false;
        n++;
    }
    return n == d->nheld;
}

static void add_segment(struct twatch_dep *d, uint32_t segment) {
    uint32_t n = d->nsegments;
    uint32_t last = n == 0 ? 0 : n <= 4 ? d->segments[n - 1] : d->segments[4 + (n - 1) % 4];
    if (n > 0 && last == segment) return;
    d->segments[n < 4 ? n : 4 + n % 4] = segment;
    d->nsegments = n + 1;
}

static uint32_t fresh(const struct tw_thread *t, uint32_t object) {
    const struct twatch_object *o = tw_object_at(object);
    return o && o->creator == t->id && (o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_SHARED)) == TWATCH_OBJF_INIT_SEEN ? TWATCH_DEP_HELD_FRESH : 0;
}

/* Fresh is what has been so every time. True if something still is. */
static bool still_fresh(const struct tw_thread *t, struct twatch_dep *d) {
    bool any = false;
    for (uint32_t k = 0; k < d->nheld; k++) {
        if (d->held[k].flags) d->held[k].flags = fresh(t, d->held[k].object);
        any |= d->held[k].flags != 0;
    }
    return any;
}

static struct twatch_dep *add(struct tw_thread *t, struct tw_dep_table *table, const struct twatch_held *inner) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->slot->nheld; i++) n += t->held[i].address != 0;
    if (n > UINT16_MAX) n = UINT16_MAX;
    struct twatch_dep *d = tw_stream_append(&table->stream, (uint32_t)(sizeof *d + n * sizeof d->held[0]), 0);
    if (!d) return NULL;
    d->thread = t->id;
    d->object = inner->object;
    d->stack = inner->stack;
    d->site = inner->site;
    d->mode = inner->mode;
    d->flags = TWATCH_DEP_TRY | TWATCH_DEP_TIMED;
    d->nheld = (uint16_t)n;
    uint32_t k = 0;
    for (uint32_t i = 0; i < t->slot->nheld && k < n; i++) {
        struct twatch_held *h = &t->held[i];
        if (!h->address) continue;
        d->held[k++] = (struct twatch_dep_held){.object = h->object, .stack = h->stack, .site = h->site, .mode = h->mode, .flags = fresh(t, h->object)};
        struct twatch_object *o = tw_object_at(h->object);
        if (o && !(o->flags & TWATCH_OBJF_IN_DEP)) o->flags |= TWATCH_OBJF_IN_DEP;
        if (h->object == inner->object) d->flags |= TWATCH_DEP_SELF;
    }
    struct twatch_object *o = tw_object_at(inner->object);
    if (o) o->flags |= TWATCH_OBJF_IN_DEP;
    tw_stream_seal(&table->stream, d);
    return d;
}

static struct twatch_dep *find_or_add(struct tw_thread *t, struct tw_dep_table *table, struct twatch_held *inner, uintptr_t cfa) {
    uint64_t key = tw_sys_mix(((uint64_t)inner->object << 1 | inner->mode) ^ inner->site); /* the order of the held set does not matter */
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address) key ^= tw_sys_mix(((uint64_t)t->held[i].object << 1 | t->held[i].mode) + 0x9e3779b97f4a7c15ull);
    uint32_t i = (uint32_t)key & table->mask;
    for (; table->entries[i].dep; i = (i + 1) & table->mask)
        if (table->entries[i].key == key && same(t, table->entries[i].dep, inner)) return table->entries[i].dep;
    if (!inner->stack) inner->stack = tw_stack_here(t, inner->site, cfa);
    for (uint32_t k = 0; k < t->slot->nheld; k++)
        if (t->held[k].address) tw_held_stack(t, &t->held[k]);
    if (table->used * 2 > table->mask && grow(table)) {
        grow_seen(t, table);
        i = (uint32_t)key & table->mask;
        while (table->entries[i].dep) i = (i + 1) & table->mask;
    }
    struct twatch_dep *d = table->used < table->mask ? add(t, table, inner) : NULL;
    if (!d) return NULL;
    table->entries[i] = (struct dep_entry){key, d};
    table->used++;
    return d;
}

static bool has_stack(const struct twatch_dep_held *h) {
    const struct twatch_stack *s = tw_stack_by_id(h->stack);
    return s && !(s->flags & TWATCH_STACK_SITE);
}

/* Better late than never: at the first sighting the stack of an outer lock may not have been found. True when all are there. */
static bool fill_stacks(struct tw_thread *t, struct twatch_dep *d) {
    bool all = true;
    for (uint32_t k = 0; k < d->nheld; k++) {
        if (has_stack(&d->held[k])) continue;
        for (uint32_t i = 0; i < t->slot->nheld; i++)
            if (t->held[i].object == d->held[k].object && t->held[i].stack) {
                d->held[k].stack = t->held[i].stack;
                d->held[k].site = t->held[i].site;
            }
        all = all && has_stack(&d->held[k]);
    }
    return all;
}

static bool have_table(struct tw_thread *t) {
    if (t->deps) return true;
    t->deps = new_table();
    if (t->deps) use_seen(t, t->deps);
    return t->deps != NULL;
}

static void mark_outer(struct tw_thread *t, uintptr_t site) {
    struct tw_site *s = &t->sites[tw_held_site_index(site)];
    if (s->pc == site) s->outer = 1;
}

/* *settled: its stacks are as good as they will get. */
static TW_NOINLINE struct twatch_dep *record_slow(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa, bool *settled) {
    if (!have_table(t)) {
        tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
        return NULL;
    }
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && !t->held[i].object) tw_held_resolve(t, &t->held[i]);
    mark_outer(t, t->held[0].site);
    struct twatch_dep *d = find_or_add(t, t->deps, inner, cfa);
    if (!d) {
        tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
        return NULL;
    }
    *settled = d->count >= SETTLED || fill_stacks(t, d);
    return d;
}

/* Returns the oldest key of the line, which has lost its place. */
static uint64_t put_first(struct tw_seen *line, uint64_t key) {
    enum { N = sizeof line->key / sizeof line->key[0] };
    uint64_t oldest = line->key[N - 1];
    for (uint32_t i = N - 1; i > 0; i--) line->key[i] = line->key[i - 1];
    line->key[0] = key;
    return oldest;
}

/* For the usual case, the same locks as lately. */
static void remember(struct tw_thread *t, const struct twatch_held *inner, uint32_t epoch) {
    uint32_t n = t->slot->nheld;
    if (n > TW_SEEN_OUTER) return;
    for (uint32_t i = 0; i < n; i++)
        if (!t->held[i].address) return; /* an empty entry hides which one it was */
    uint64_t key = tw_deps_key(t, inner->address, inner->flags, inner->mode, inner->site, epoch);
    struct tw_seen *outer = tw_deps_outer_line(t, t->held[0].address), *own = tw_deps_line(t, key);
    if (tw_deps_line_has(outer, key) || tw_deps_line_has(own, key)) return;
    uint64_t pushed_out = put_first(outer, key);
    if (pushed_out) put_first(tw_deps_line(t, pushed_out), pushed_out);
}

/* Nothing that another thread could ever want is held: each held lock was made by this thread and used by no other so far, as the lock that a Python thread holds
   for its joiners all its life. The analyzer passes over such locks. */
static bool holds_only_fresh(const struct tw_thread *t) {
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && (!t->held[i].object || !fresh(t, t->held[i].object))) return false;
    return true;
}

/* A semaphore that its maker takes for the first time cannot be in anybody's hands; each wait of a Python condition variable makes one. */
static bool takes_new_semaphore(const struct tw_thread *t, const struct twatch_held *inner) {
    const struct twatch_object *o = tw_object_at(inner->object);
    return o && o->kind == TWATCH_OBJ_SEM && o->acquisitions <= 1 && fresh(t, inner->object);
}

void tw_deps_record(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa) {
    if (holds_only_fresh(t) || takes_new_semaphore(t, inner)) return;
    bool settled = false;
    uint32_t epoch = tw_object_epoch; /* before the look-ups: a death after them must be seen */
    struct twatch_dep *d = record_slow(t, inner, cfa, &settled);
    if (!d) return;
    bool sample = t->seen_hits >= TW_SEEN_SAMPLE;
    d->count += sample ? TW_SEEN_SAMPLE : 1;
    if (sample) t->seen_hits = 0;
    if (!(inner->flags & TWATCH_HELD_TRY)) d->flags &= (uint8_t)~TWATCH_DEP_TRY;
    if (!(inner->flags & TWATCH_HELD_TIMED)) d->flags &= (uint8_t)~TWATCH_DEP_TIMED;
    add_segment(d, t->desc->segment);
    if (!still_fresh(t, d) && settled) remember(t, inner, epoch);
}
