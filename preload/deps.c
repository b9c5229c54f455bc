#include "deps.h"

#include "held.h"
#include "object.h"
#include "stack.h"

enum { FIRST_BITS = 6, FIRST_ENTRIES = 1 << FIRST_BITS, FIRST_LINES = FIRST_BITS - 3, MOST_LINES = 11, FAMILIES = 64, SPARE = 4, WORTH_SWEEPING = 4096 };
enum { SETTLED = 100 }; /* sightings after which a dependency has the stacks that it will ever get, whole or not */

/*
 * Open addressing; private to a thread, so no locks. The elements themselves are in two streams of the record that the
 * thread owns: whole ones, and those that are like a whole one but for the locks (record.h). A program with a table of
 * locks has a few families of dependencies and ten thousands of members.
 */
struct tw_dep_table {
    struct tw_stream stream, likes;
    uint32_t mask, used;
    struct dep_entry {
        uint32_t key, place;
    } * entries;               /* place: see pack(); 0 empty */
    uint32_t family[FAMILIES]; /* places of whole elements, by what their members have in common */
    struct twatch_like *spare[SPARE]; /* elements out of use, by size; `object` is the place of the next */
    struct tw_seen *seen;      /* the quick way to those seen lately: see tw_deps_seen */
    uint32_t seen_bits;        /* of the number of lines */
    struct tw_dep_table *next;
};

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
    d->likes.kind = TWATCH_CHUNK_LIKE;
    return d;
}

void tw_deps_release(struct tw_thread *t) {
    struct tw_dep_table *d = t->deps;
    if (!d) return;
    t->deps = NULL;
    t->seen = NULL;
    tw_sys_zero(d->entries, (d->mask + 1ull) * sizeof *d->entries);
    tw_sys_zero(d->seen, sizeof *d->seen << d->seen_bits);
    tw_sys_zero(d->family, sizeof d->family);
    d->used = 0; /* the streams go on in their chunks: elements name their thread */
    tw_lock_take(&lock);
    d->next = free_tables;
    free_tables = d;
    tw_lock_give(&lock);
}

void tw_deps_forked(void) {
    free_tables = NULL;
    lock = (struct tw_lock){0};
}

/* A place in the record in 32 bits, which do for 16 GiB; 0 for what lies behind. */
static uint32_t pack(const void *element, bool like) {
    uint64_t offset = tw_store_offset(element);
    return !offset || offset >> 34 ? 0 : (uint32_t)(offset >> 3 << 1) | like;
}
static bool is_like(uint32_t place) {
    return place & 1;
}
static void *unpack(uint32_t place) {
    return tw_store_at((uint64_t)(place >> 1) << 3);
}
/* The whole element of a member's family. */
static struct twatch_dep *head(const struct twatch_like *l) {
    return tw_store_at((uint64_t)l->of << 3);
}

/* Bytes of a member's element: a multiple of 8. */
static uint32_t like_size(uint32_t nheld) {
    return (uint32_t)(sizeof(struct twatch_like) + nheld * sizeof(uint32_t) + 7) & ~7u;
}
static struct twatch_like **spare_of(struct tw_dep_table *d, uint32_t size) {
    uint32_t i = (size - like_size(1)) / 8;
    return i < SPARE ? &d->spare[i] : NULL;
}

/* No cycle can pass through a lock that is dead and has never been on both sides of a dependency. */
static bool dead_end(uint32_t object) {
    enum { BOTH = TWATCH_OBJL_HELD | TWATCH_OBJL_WANTED };
    const struct twatch_object *o = tw_object_at(object);
    return (o->flags & TWATCH_OBJF_DEAD) && (__atomic_load_n(&o->links, __ATOMIC_RELAXED) & BOTH) != BOTH;
}

static void unlink_object(uint32_t object) { __atomic_fetch_sub(&tw_object_at(object)->links, 1, __ATOMIC_RELAXED); }

/* The element serves another dependency. */
static void free_like(struct tw_dep_table *table, struct twatch_like *l) {
    const struct twatch_dep *of = head(l);
    unlink_object(l->object);
    for (uint32_t i = 0; i < of->nheld; i++) unlink_object(l->held[i]);
    __atomic_store_n(&l->of, 0, __ATOMIC_RELEASE);
    struct twatch_like **spare = spare_of(table, l->size);
    if (!spare) return;
    l->object = *spare ? pack(*spare, true) : 0;
    *spare = l;
}

/* No use to anybody: each lock that is held has an order of its own with the one that was taken. */
static bool useless(const struct twatch_like *l) {
    const struct twatch_dep *of = head(l);
    uint32_t i = 0;
    while (i < of->nheld && dead_end(l->held[i])) i++;
    return i == of->nheld || dead_end(l->object);
}

/*
 * Room for more. A server that makes a lock for each request would fill the record with dependencies of locks that are gone: those that cannot be part of a
 * cycle are let go first, and the table grows only if it is half full without them.
 */
static bool grow(struct tw_dep_table *d) {
    uint32_t used = d->used;
    for (uint32_t i = 0; d->used >= WORTH_SWEEPING && i <= d->mask; i++) {
        struct dep_entry *e = &d->entries[i];
        if (is_like(e->place) && useless(unpack(e->place))) free_like(d, unpack(e->place)), e->place = 0, used--;
    }
    uint32_t size = used * 2 > d->mask ? (d->mask + 1) * 2 : d->mask + 1;
    struct dep_entry *fresh = tw_sys_memory(size * sizeof *fresh);
    if (!fresh) return false;
    for (uint32_t i = 0; i <= d->mask; i++) {
        if (!d->entries[i].place) continue;
        uint32_t k = d->entries[i].key & (size - 1);
        while (fresh[k].place) k = (k + 1) & (size - 1);
        fresh[k] = d->entries[i];
    }
    tw_sys_release(d->entries, (d->mask + 1ull) * sizeof *d->entries);
    d->entries = fresh;
    d->mask = size - 1;
    d->used = used;
    return true;
}

static void use_seen(struct tw_thread *t, const struct tw_dep_table *d) {
    t->seen_shift = 64 - d->seen_bits;
    t->seen = d->seen;
}

static void grow_seen(struct tw_thread *t, struct tw_dep_table *d) {
    if (d->seen_bits < MOST_LINES && new_seen(d, d->seen_bits + 1)) use_seen(t, d);
}

static bool is_held(const struct twatch_dep *d, const struct twatch_like *l, uint32_t k, const struct twatch_held *h) {
    return (l ? l->held[k] : d->held[k].object) == h->object && d->held[k].mode == h->mode;
}

/* Two held sets of equal hash are compared; both hold distinct locks, so equal sizes and inclusion mean equality. Mostly the order is the same too. */
static bool same(const struct tw_thread *t, uint32_t place, const struct twatch_held *inner) {
    const struct twatch_like *l = is_like(place) ? unpack(place) : NULL;
    const struct twatch_dep *d = l ? head(l) : unpack(place);
    if ((l ? l->object : d->object) != inner->object || d->mode != inner->mode || d->site != inner->site) return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        const struct twatch_held *h = &t->held[i];
        if (!h->address) continue;
        uint32_t k = n < d->nheld && is_held(d, l, n, h) ? n : 0;
        while (k < d->nheld && !is_held(d, l, k, h)) k++;
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
    return o && o->creator == t->id &&
                           (o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_SHARED)) == TWATCH_OBJF_INIT_SEEN
                   ? TWATCH_DEP_HELD_FRESH
                   : 0;
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

static void mark_in_dep(uint32_t object, uint32_t as) {
    struct twatch_object *o = tw_object_at(object);
    if (o && !(o->flags & TWATCH_OBJF_IN_DEP)) o->flags |= TWATCH_OBJF_IN_DEP;
    if (o && tw_object_is_lock(o) && !(o->links & as)) __atomic_fetch_or(&o->links, as, __ATOMIC_RELAXED);
}

static struct twatch_dep *add(struct tw_thread *t, struct tw_dep_table *table, const struct twatch_held *inner) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        n += t->held[i].address != 0;
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
        d->held[k++] = (struct twatch_dep_held){
                .object = h->object, .stack = h->stack, .site = h->site, .mode = h->mode, .flags = fresh(t, h->object)};
        mark_in_dep(h->object, TWATCH_OBJL_HELD);
        if (h->object == inner->object) d->flags |= TWATCH_DEP_SELF;
    }
    mark_in_dep(inner->object, TWATCH_OBJL_WANTED);
    tw_stream_seal(&table->stream, d);
    return d;
}

static bool has_stack(uint32_t id) {
    const struct twatch_stack *s = tw_stack_by_id(id);
    return s && !(s->flags & TWATCH_STACK_SITE);
}

static bool is_lock(uint32_t object) {
    const struct twatch_object *o = tw_object_at(object);
    return o && tw_object_is_lock(o);
}

/* Where the family of a dependency stands; NULL: it is one of its own. */
static uint32_t *family_of(const struct tw_thread *t, struct tw_dep_table *table, const struct twatch_held *inner) {
    if (inner->flags & (TWATCH_HELD_TRY | TWATCH_HELD_TIMED) || !has_stack(inner->stack) || !is_lock(inner->object)) return NULL;
    uint64_t key = inner->stack;
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        const struct twatch_held *h = &t->held[i];
        if (!h->address || h->object == inner->object || !has_stack(h->stack) || !is_lock(h->object) || fresh(t, h->object)) return NULL;
        key = tw_sys_mix(key * 31 + h->stack);
    }
    return &table->family[key % FAMILIES];
}

static bool is_member(const struct tw_thread *t, const struct twatch_dep *of, const struct twatch_held *inner) {
    enum { OWN = TWATCH_DEP_TRY | TWATCH_DEP_TIMED | TWATCH_DEP_SELF };
    if (of->stack != inner->stack || of->site != inner->site || of->mode != inner->mode || (of->flags & OWN) ||
            of->nheld != t->slot->nheld)
        return false;
    for (uint32_t i = 0; i < of->nheld; i++) {
        const struct twatch_dep_held *a = &of->held[i];
        const struct twatch_held *b = &t->held[i];
        if (a->stack != b->stack || a->site != b->site || a->mode != b->mode || a->flags) return false;
    }
    return true;
}

/* An element of `size` bytes to fill; *sealed: readers see it already, and pass over it while `of` is 0. */
static struct twatch_like *new_like(struct tw_dep_table *table, uint32_t size, bool *sealed) {
    struct twatch_like **spare = spare_of(table, size), *l = spare ? *spare : NULL;
    *sealed = l != NULL;
    if (!l) return tw_stream_append(&table->likes, size, 0);
    *spare = l->object ? unpack(l->object) : NULL;
    l->count = 0;
    return l;
}

static uint32_t link_object(uint32_t object, uint32_t as) {
    struct twatch_object *o = tw_object_at(object);
    __atomic_fetch_add(&o->links, 1, __ATOMIC_RELAXED);
    if (!(o->links & as)) __atomic_fetch_or(&o->links, as, __ATOMIC_RELAXED);
    return object;
}

static uint32_t add_like(struct tw_thread *t, struct tw_dep_table *table, uint32_t of, const struct twatch_held *inner) {
    bool sealed;
    struct twatch_like *l = new_like(table, like_size(t->slot->nheld), &sealed);
    uint32_t place = l ? pack(l, true) : 0;
    if (!place) return 0;
    l->segment = t->desc->segment;
    l->object = link_object(inner->object, TWATCH_OBJL_WANTED);
    for (uint32_t i = 0; i < t->slot->nheld; i++) l->held[i] = link_object(t->held[i].object, TWATCH_OBJL_HELD);
    __atomic_store_n(&l->of, of >> 1, __ATOMIC_RELEASE);
    if (!sealed) tw_stream_seal(&table->likes, l);
    return place;
}

/* A place for a new dependency, as a member of its family or whole; 0: no room. */
static uint32_t add_place(struct tw_thread *t, struct tw_dep_table *table, const struct twatch_held *inner) {
    uint32_t *family = family_of(t, table, inner);
    if (family && *family && is_member(t, unpack(*family), inner)) return add_like(t, table, *family, inner);
    struct twatch_dep *d = add(t, table, inner);
    uint32_t place = d ? pack(d, false) : 0;
    if (family && place) *family = place;
    return place;
}

static struct dep_entry *find_or_add(
        struct tw_thread *t, struct tw_dep_table *table, struct twatch_held *inner, uintptr_t cfa) {
    uint64_t sum = tw_sys_mix(
            ((uint64_t)inner->object << 1 | inner->mode) ^ inner->site); /* the order of the held set does not matter */
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address)
            sum ^= tw_sys_mix(((uint64_t)t->held[i].object << 1 | t->held[i].mode) + 0x9e3779b97f4a7c15ull);
    uint32_t key = (uint32_t)(sum ^ sum >> 32), i = key & table->mask;
    for (; table->entries[i].place; i = (i + 1) & table->mask) {
        struct dep_entry *e = &table->entries[i];
        if (e->key == key && same(t, e->place, inner)) return e;
    }
    if (!inner->stack) inner->stack = tw_stack_here(t, inner->site, cfa);
    for (uint32_t k = 0; k < t->slot->nheld; k++)
        if (t->held[k].address) tw_held_stack(t, &t->held[k]);
    if ((table->used + 1) * 4ull > (table->mask + 1) * 3ull && grow(table)) {
        grow_seen(t, table);
        i = key & table->mask;
        while (table->entries[i].place)
            i = (i + 1) & table->mask;
    }
    uint32_t place = table->used < table->mask ? add_place(t, table, inner) : 0;
    if (!place) return NULL;
    table->entries[i] = (struct dep_entry){key, place};
    table->used++;
    return &table->entries[i];
}

/* Better late than never: at the first sighting the stack of an outer lock may not have been found. True when all are
 * there. */
static bool fill_stacks(struct tw_thread *t, struct twatch_dep *d) {
    bool all = true;
    for (uint32_t k = 0; k < d->nheld; k++) {
        if (has_stack(d->held[k].stack)) continue;
        for (uint32_t i = 0; i < t->slot->nheld; i++)
            if (t->held[i].object == d->held[k].object && t->held[i].stack) {
                d->held[k].stack = t->held[i].stack;
                d->held[k].site = t->held[i].site;
            }
        all = all && has_stack(d->held[k].stack);
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

/* A member that is no longer like its family: a whole element takes its place. NULL: no room. */
static struct twatch_dep *make_whole(struct tw_thread *t, struct dep_entry *e, const struct twatch_held *inner) {
    struct twatch_like *l = unpack(e->place);
    struct twatch_dep *d = add(t, t->deps, inner);
    uint32_t place = d ? pack(d, false) : 0;
    if (!place) return NULL;
    d->count = l->count;
    d->flags = head(l)->flags;
    add_segment(d, l->segment);
    e->place = place;
    free_like(t->deps, l);
    return d;
}

/* Counts n sightings. True: a member, of which nothing else can change. */
static bool count_like(const struct tw_thread *t, const struct dep_entry *e, uint32_t n) {
    if (!is_like(e->place)) return false;
    struct twatch_like *l = unpack(e->place);
    if (l->segment != t->desc->segment) return false;
    l->count = l->count > UINT32_MAX - n ? UINT32_MAX : l->count + n;
    return true;
}

static TW_NOINLINE struct dep_entry *record_slow(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa) {
    struct dep_entry *e = NULL;
    if (have_table(t)) {
        mark_outer(t, t->held[0].site);
        e = find_or_add(t, t->deps, inner, cfa);
    }
    if (!e) tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
    return e;
}

/* Returns the oldest key of the line, which has lost its place. */
static uint64_t put_first(struct tw_seen *line, uint64_t key) {
    enum { N = sizeof line->key / sizeof line->key[0] };
    uint64_t oldest = line->key[N - 1];
    for (uint32_t i = N - 1; i > 0; i--)
        line->key[i] = line->key[i - 1];
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

/* Nothing that another thread could ever want is held: each held lock was made by this thread and used by no other so
   far, as the lock that a Python thread holds for its joiners all its life. The analyzer passes over such locks. */
static bool holds_only_fresh(const struct tw_thread *t) {
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && (!t->held[i].object || !fresh(t, t->held[i].object))) return false;
    return true;
}

/* A semaphore that its maker takes for the first time cannot be in anybody's hands; each wait of a Python condition
 * variable makes one. */
static bool takes_new_semaphore(const struct tw_thread *t, const struct twatch_held *inner) {
    const struct twatch_object *o = tw_object_at(inner->object);
    return o && o->kind == TWATCH_OBJ_SEM && o->acquisitions <= 1 && fresh(t, inner->object);
}

/* A trylock holds and never wants: only that it writes to a reader-writer lock is worth an element. */
static bool never_wants(const struct twatch_held *inner) {
    if (!(inner->flags & TWATCH_HELD_TRY)) return false;
    const struct twatch_object *o = tw_object_at(inner->object);
    return o && o->kind == TWATCH_OBJ_MUTEX;
}

void tw_deps_record(struct tw_thread *t, struct twatch_held *inner, uintptr_t cfa) {
    uint32_t epoch = tw_object_epoch; /* before the look-ups: a death after them must be seen */
    if (never_wants(inner)) {
        if (have_table(t)) remember(t, inner, epoch);
        return;
    }
    for (uint32_t i = 0; i < t->slot->nheld; i++)
        if (t->held[i].address && !t->held[i].object) tw_held_resolve(t, &t->held[i]);
    if (holds_only_fresh(t) || takes_new_semaphore(t, inner)) return;
    struct dep_entry *e = record_slow(t, inner, cfa);
    if (!e) return;
    uint32_t sightings = t->seen_hits >= TW_SEEN_SAMPLE ? TW_SEEN_SAMPLE : 1;
    if (sightings > 1) t->seen_hits = 0;
    if (count_like(t, e, sightings)) {
        remember(t, inner, epoch);
        return;
    }
    struct twatch_dep *d = is_like(e->place) ? make_whole(t, e, inner) : unpack(e->place);
    if (!d) {
        tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
        return;
    }
    bool settled = d->count >= SETTLED || fill_stacks(t, d);
    d->count += sightings;
    if (!(inner->flags & TWATCH_HELD_TRY)) d->flags &= (uint8_t)~TWATCH_DEP_TRY;
    if (!(inner->flags & TWATCH_HELD_TIMED)) d->flags &= (uint8_t)~TWATCH_DEP_TIMED;
    add_segment(d, t->desc->segment);
    if (!still_fresh(t, d) && settled) remember(t, inner, epoch);
}
