/*
 * Address -> object: an open-addressing table that is read without a lock and changed under one. A dead object leaves its address in
 * the table with id 0, to be used again by the next generation; growing drops those. Old tables are never given back, since a reader may stand in them.
 *
 * Programs that make a lock for every request would fill the record. Once there are many objects, a new one gets the record of one that died
 * long ago, unless a dependency, an incident or a statistic refers to that.
 */
#include "object.h"

#include "near.h"
#include "use.h"

struct entry {
    uintptr_t address;
    uint32_t id;
    uint32_t generation;
};
struct map {
    uint32_t mask;
    struct entry entries[];
};

struct dead {
    uint32_t id;
    struct dead *next;
};

enum {
    FIRST_MAP = 1024,
    MANY_OBJECTS = 65536, /* records in the process, above which those of the dead are used again */
    RESTING = 4096,       /* deaths that one waits for: a thread on its way out of a call may still have the id in hand */
    LOOKED_AT = 8         /* dead objects that are looked at for one new object */
};

volatile uint32_t tw_object_epoch;
static struct tw_table objects = TW_TABLE(TWATCH_CHUNK_OBJECT, struct twatch_object, 4);
static struct map *map;
static uint32_t map_used; /* entries with an address, dead ones too */
static struct tw_lock lock;
static struct dead *oldest, **youngest, *spare;
static uint32_t ndead;

struct twatch_object *tw_object_at(uint32_t id) { return tw_table_at(&objects, id); }
uint32_t tw_object_count(void) { return __atomic_load_n(&objects.count, __ATOMIC_ACQUIRE); }

static uint32_t slot_of(const struct map *m, uintptr_t address) {
    return (uint32_t)((address >> 3) * 0x9e3779b97f4a7c15ull >> 32) & m->mask;
}

static struct entry *probe(struct map *m, uintptr_t address) {
    uint32_t i = slot_of(m, address);
    for (;; i = (i + 1) & m->mask) {
        uintptr_t a = __atomic_load_n(&m->entries[i].address, __ATOMIC_ACQUIRE);
        if (a == address || a == 0) return &m->entries[i];
    }
}

uint32_t tw_object_find(uintptr_t address) {
    struct map *m = __atomic_load_n(&map, __ATOMIC_ACQUIRE);
    if (!m) return 0;
    struct entry *e = probe(m, address);
    return e->address == address ? __atomic_load_n(&e->id, __ATOMIC_ACQUIRE) : 0;
}

static bool grow(void) {
    uint32_t alive = 0;
    for (uint32_t i = 0; map && i <= map->mask; i++) alive += map->entries[i].id != 0;
    uint32_t size = FIRST_MAP;
    while (size < alive * 4) size *= 2;
    struct map *m = tw_sys_pages(sizeof *m + size * sizeof m->entries[0]);
    if (!m) return false;
    m->mask = size - 1;
    map_used = alive;
    for (uint32_t i = 0; map && i <= map->mask; i++)
        if (map->entries[i].id) *probe(m, map->entries[i].address) = map->entries[i];
    __atomic_store_n(&map, m, __ATOMIC_RELEASE);
    return true;
}

/* Under the lock: the entry of an address, made if need be. */
static struct entry *entry_of(uintptr_t address) {
    if ((!map || (map_used + 1) * 2 > map->mask) && !grow()) return NULL;
    struct entry *e = probe(map, address);
    if (!e->address) {
        map_used++;
        __atomic_store_n(&e->address, address, __ATOMIC_RELEASE);
    }
    return e;
}

static void rest(uint32_t id) {
    struct dead *d = spare;
    if (d)
        spare = d->next;
    else if (!(d = tw_sys_memory(sizeof *d)))
        return;
    *d = (struct dead){.id = id};
    if (!oldest) youngest = &oldest;
    *youngest = d;
    youngest = &d->next;
    ndead++;
}

static bool is_referred_to(const struct twatch_object *o, uint32_t id) {
    return o->flags & (TWATCH_OBJF_IN_DEP | TWATCH_OBJF_COUNTED) || tw_use_has(id);
}

/* The record of an object that died long ago, emptied; NULL: there is none, or there are not many objects yet. */
static struct twatch_object *reborn(uint32_t *id) {
    if (objects.count < MANY_OBJECTS) return NULL;
    for (uint32_t i = 0; i < LOOKED_AT && ndead > RESTING; i++) {
        struct dead *d = oldest;
        oldest = d->next;
        ndead--;
        d->next = spare;
        spare = d;
        struct twatch_object *o = tw_object_at(d->id);
        *id = d->id;
        if (is_referred_to(o, *id)) continue;
        if (tw_object_links(o)) { /* perhaps not for long */
            rest(*id);
            continue;
        }
        tw_sys_zero(o, sizeof *o);
        o->reused_ms = (uint32_t)((tw_header->alive_ns - tw_header->start_ns) / 1000000) + 1; /* nothing slow was recorded of it later */
        return o;
    }
    return NULL;
}

static void die(struct entry *e) {
    struct twatch_object *o = tw_object_at(e->id);
    if (o) o->flags |= TWATCH_OBJF_DEAD;
    if (o) rest(e->id);
    __atomic_store_n(&e->id, 0, __ATOMIC_RELEASE);
    tw_near_remove(e->address);
    __atomic_fetch_add(&tw_object_epoch, 1, __ATOMIC_RELEASE);
}

static uint32_t make(struct entry *e, uint32_t kind, uint32_t type, uint32_t flags, uintptr_t pc, uint32_t stack, uint32_t thread) {
    uint32_t id;
    struct twatch_object *o = reborn(&id);
    if (!o) o = tw_table_new(&objects, &id, TWATCH_LOSS_OBJECT);
    if (!o) return 0;
    o->address = e->address;
    o->create_site = pc;
    o->generation = ++e->generation;
    o->create_stack = stack;
    o->creator = thread;
    o->kind = (uint8_t)kind;
    o->type = (uint8_t)type;
    o->flags = (uint16_t)flags;
    tw_near_add(e->address);
    __atomic_store_n(&e->id, id, __ATOMIC_RELEASE);
    return id;
}

/* A different kind at the same address means that the memory was used anew without our seeing it (an allocator of the program's own). */
static bool same_kind(uint32_t id, uint32_t kind) {
    const struct twatch_object *o = tw_object_at(id);
    return o && o->kind == kind;
}

uint32_t tw_object_get(uintptr_t address, uint32_t kind, uint32_t type, uint32_t flags, uintptr_t pc, uint32_t stack, uint32_t thread) {
    uint32_t id = tw_object_find(address);
    if (id && same_kind(id, kind)) return id;
    tw_lock_take(&lock);
    struct entry *e = entry_of(address);
    id = e ? e->id : 0;
    if (id && !same_kind(id, kind)) die(e), id = 0;
    if (e && !id) id = make(e, kind, type, flags, pc, stack, thread);
    tw_lock_give(&lock);
    return id;
}

uint32_t tw_object_init(uintptr_t address, uint32_t kind, uint32_t type, uint32_t flags, uintptr_t pc, uint32_t stack, uint32_t thread) {
    tw_lock_take(&lock);
    struct entry *e = entry_of(address);
    if (e && e->id) die(e);
    uint32_t id = e ? make(e, kind, type, flags | TWATCH_OBJF_INIT_SEEN, pc, stack, thread) : 0;
    tw_lock_give(&lock);
    return id;
}

void tw_object_touch(uint32_t id, uint32_t thread) {
    struct twatch_object *o = tw_object_at(id);
    if (o && o->creator != thread && !(o->flags & TWATCH_OBJF_SHARED)) __atomic_fetch_or(&o->flags, TWATCH_OBJF_SHARED, __ATOMIC_RELAXED);
}

void tw_object_keep(uint32_t id) {
    struct twatch_object *o = tw_object_at(id);
    if (o) __atomic_fetch_or(&o->flags, TWATCH_OBJF_IN_DEP, __ATOMIC_RELAXED);
}

void tw_object_destroy(uint32_t id, uint32_t stack) {
    struct twatch_object *o = tw_object_at(id);
    if (!o) return;
    o->flags |= TWATCH_OBJF_DESTROYED;
    o->destroy_stack = stack;
    __atomic_fetch_add(&tw_object_epoch, 1, __ATOMIC_RELEASE); /* caches must look again, and see that it was destroyed */
}

typedef void each_fn(struct twatch_object *, uint32_t, void *);

static void kill_entry(struct entry *e, each_fn *each, void *arg) {
    if (each && e->id) each(tw_object_at(e->id), e->id, arg);
    if (e->id) die(e);
}

void tw_object_range_dead(uintptr_t lo, uintptr_t hi, each_fn *each, void *arg) {
    struct map *m = __atomic_load_n(&map, __ATOMIC_ACQUIRE);
    if (!m || !tw_object_near(lo, hi)) return;
    tw_lock_take(&lock);
    if ((hi - lo) / 8 > map->mask) { /* cheaper to look at every entry */
        for (uint32_t i = 0; i <= map->mask; i++)
            if (map->entries[i].address >= lo && map->entries[i].address < hi) kill_entry(&map->entries[i], each, arg);
    } else {
        for (uintptr_t a = (lo + 3) & ~(uintptr_t)3; a < hi;) {
            if (!tw_near_granule(a)) {
                a = (a | ((1ull << TW_NEAR_GRANULE) - 1)) + 1;
                continue;
            }
            if (!tw_near_unit(a)) {
                a = (a | ((1ull << TW_NEAR_UNIT) - 1)) + 1;
                continue;
            }
            struct entry *e = probe(map, a);
            if (e->address == a) kill_entry(e, each, arg);
            a += 4;
        }
    }
    tw_lock_give(&lock);
}

void tw_object_forked(void) {
    tw_table_forget(&objects);
    tw_near_clear();
    if (map) tw_sys_zero(map->entries, (map->mask + 1ull) * sizeof map->entries[0]);
    map_used = 0;
    oldest = spare = NULL;
    ndead = 0;
    lock = (struct tw_lock){0};
    tw_object_epoch++;
}
