/*
 * Three hash tables in private memory, all changed and read under one lock, on slow paths only: use records by (thread,
 * object), contention records by (object, site), private side state by object.
 */
#include "use.h"

#include "hashmap.h"
#include "stack.h"

/* Records of dead objects with fewer operations than DULL_USE serve others, once there are MANY_USES of them. */
enum { DULL_USE = 64, MANY_USES = 4096 };

static struct tw_table use_table = TW_TABLE(TWATCH_CHUNK_USE, struct twatch_use, 4);
static struct tw_table stat_table = TW_TABLE(TWATCH_CHUNK_STAT, struct twatch_stat, 4);

struct use_node { /* one per use record, threaded through all records of the same object */
    struct twatch_use *use;
    struct use_node *next;
};

struct object_node { /* what is kept of one object */
    struct use_node *uses;
    void *side;
};

static struct tw_lock lock;
static struct tw_hashmap objects,
        stats; /* object id -> struct object_node; hash of (object, site) -> struct twatch_stat */
static struct use_node *spare;
static struct object_node *spare_objects; /* linked through side */

static struct object_node *new_object_node(void) {
    struct object_node *n = spare_objects;
    if (!n) return tw_sys_memory(sizeof *n);
    spare_objects = n->side;
    *n = (struct object_node){0};
    return n;
}

static struct object_node *object_node(uint32_t object) {
    struct object_node *n = tw_hashmap_get(&objects, object);
    if (n) return n;
    n = new_object_node();
    if (n && !tw_hashmap_put(&objects, object, n)) n = NULL;
    return n;
}

/* A record given back by a dead object, or a new one. */
static struct use_node *new_use(void) {
    struct use_node *n = spare;
    if (n) {
        spare = n->next;
        return n;
    }
    n = tw_sys_memory(sizeof *n);
    if (!n) return NULL;
    uint32_t id;
    n->use = tw_table_new(&use_table, &id, TWATCH_LOSS_BUDGET);
    return n->use ? n : NULL;
}

static struct twatch_use *use_in(struct object_node *o, struct tw_thread *t, uint32_t object) {
    for (struct use_node *n = o->uses; n; n = n->next)
        if (n->use->thread == t->id) return n->use;
    struct use_node *n = new_use();
    if (!n) return NULL;
    n->next = o->uses;
    o->uses = n;
    n->use->object = object;
    n->use->thread = t->id;
    return n->use;
}

struct twatch_use *tw_use_of(struct tw_thread *t, uint32_t object) {
    if (!object) return NULL;
    for (uint32_t i = 0; i < TW_USES; i++)
        if (t->uses[i].object == object) return t->uses[i].use;
    tw_lock_take(&lock);
    struct object_node *o = object_node(object);
    struct twatch_use *u = o ? use_in(o, t, object) : NULL;
    tw_lock_give(&lock);
    return u;
}

struct tw_use_entry *tw_use_lookup(struct tw_thread *t, const struct tw_use_query *q) {
    uint32_t object = tw_object_find(q->address);
    struct twatch_object *known = tw_object_at(object);
    bool reborn = known && q->alive && known->flags & TWATCH_OBJF_DESTROYED;
    if (reborn) tw_object_range_dead(q->address, q->address + 1, NULL, NULL);
    if (!known || known->kind != q->kind || reborn) {
        uint32_t stack = tw_stack_here(t, q->pc, q->cfa);
        object = tw_object_get(q->address, q->kind, 0, q->oflags, q->pc, stack, t->id);
    }
    struct tw_use_entry *e = &t->uses[(q->address >> 3 ^ q->address >> 9) % TW_USES];
    if (object && e->object == object) return e;
    tw_lock_take(&lock);
    struct object_node *n = object ? object_node(object) : NULL;
    if (n && q->side && !n->side) n->side = tw_sys_memory(q->side);
    struct twatch_use *u = n && (n->side || !q->side) ? use_in(n, t, object) : NULL;
    void *side = n ? n->side : NULL;
    tw_lock_give(&lock);
    *e = (struct tw_use_entry){0};
    if (!u) return NULL;
    *e = (struct tw_use_entry){q->address, object, tw_object_at(object), u, side};
    return e;
}

void *tw_use_side(uint32_t object) {
    tw_lock_take(&lock);
    struct object_node *n = tw_hashmap_get(&objects, object);
    void *side = n ? n->side : NULL;
    tw_lock_give(&lock);
    return side;
}

void tw_use_object_dead(uint32_t object) {
    if (__atomic_load_n(&use_table.count, __ATOMIC_RELAXED) < MANY_USES) return;
    tw_lock_take(&lock);
    struct object_node *o = tw_hashmap_get(&objects, object);
    struct use_node **link = o ? &o->uses : NULL;
    while (link && *link) {
        struct use_node *n = *link;
        if (n->use->waits + n->use->posts >= DULL_USE || n->use->balance > 0) {
            link = &n->next;
            continue;
        }
        *link = n->next;
        tw_sys_zero(n->use, sizeof *n->use);
        n->next = spare;
        spare = n;
    }
    if (o && !o->uses && !o->side) {
        tw_hashmap_remove(&objects, object);
        o->side = spare_objects;
        spare_objects = o;
    }
    tw_lock_give(&lock);
}

/* Two sites of one object share a hash once in 2^64: they would then share a line of a table, no more. */
struct twatch_stat *tw_stat_of(uint32_t object, uintptr_t pc, uint32_t stack) {
    uint64_t key = tw_sys_mix(pc * 0x9e3779b97f4a7c15ull + object) | 1;
    tw_lock_take(&lock);
    struct twatch_stat *s = tw_hashmap_get(&stats, key);
    if (!s) {
        uint32_t id;
        s = tw_table_new(&stat_table, &id, TWATCH_LOSS_BUDGET);
        if (s) {
            s->object = object;
            s->site = pc;
            s->stack = stack;
            tw_hashmap_put(&stats, key, s);
        }
    }
    tw_lock_give(&lock);
    return s;
}

void tw_use_each(uint32_t object, void (*each)(const struct twatch_use *use, void *arg), void *arg) {
    tw_lock_take(&lock);
    struct object_node *o = tw_hashmap_get(&objects, object);
    for (struct use_node *n = o ? o->uses : NULL; n; n = n->next)
        each(n->use, arg);
    tw_lock_give(&lock);
}

void tw_use_forked(void) {
    tw_table_forget(&use_table);
    tw_table_forget(&stat_table);
    tw_hashmap_clear(&objects);
    tw_hashmap_clear(&stats);
    spare = NULL;
    spare_objects = NULL;
    lock = (struct tw_lock){0};
}
