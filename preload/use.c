/*
 * Hash tables in private memory, all changed and read under one lock, on slow paths only: use records by (object,
 * thread), contention records by (object, site), and what is kept of an object beside its record.
 *
 * What comes and goes by the thousand may not pile up. Records of dead objects that say little serve others; so do
 * records of ended threads, whose numbers are added to those of one record for all ended threads of the object (thread
 * 0). Both only when there are many.
 */
#include "use.h"

#include "hashmap.h"
#include "stack.h"

enum {
    DULL_USE = 64,      /* operations below which the record of a dead object is given up */
    MANY_USES = 4096,   /* records in the process, above which that is done */
    MANY_HEIRS = 2048,  /* records that add up those of dead locks of one place, at most */
    MANY_THREADS = 512, /* records of one object, above which those of ended threads are added up */
    LOOKED_AT = 32,     /* records that are looked at for that */
    MANY_STATS = 32768, /* contention records, above which further objects share one a site, that of object 0 */
    RESTING = 4096      /* side states of dead objects that wait: a thread on its way out may still write into one */
};

static struct tw_table use_table = TW_TABLE(TWATCH_CHUNK_USE, struct twatch_use, 4);
static struct tw_table queue_table = TW_TABLE(TWATCH_CHUNK_QUEUE, struct twatch_queue, 1);
static struct tw_table stat_table = TW_TABLE(TWATCH_CHUNK_STAT, struct twatch_stat, 4);

struct use_node { /* one per use record, in the list of its object: the oldest first */
    struct twatch_use *use;
    struct use_node *next;
};

struct object_node { /* what is kept of one object */
    struct use_node *first, **last;
    struct twatch_use *ended; /* of all ended threads together; NULL: none */
    uint32_t count;
    void *side;
    uint32_t queue; /* id of its queue record; 0: none */
};

static struct tw_lock lock;
static struct tw_hashmap objects; /* object id -> struct object_node */
static struct tw_hashmap uses;    /* object id and thread id -> struct twatch_use */
static struct tw_hashmap stats;   /* hash of (object, site) -> struct twatch_stat */
static struct tw_hashmap heirs;   /* hash of (creation stack, thread, does it wait) -> struct twatch_use */
static uint32_t nheirs;
static struct use_node *spare;
static uint32_t spare_queue; /* id of the first free queue record */
static struct object_node *spare_objects;    /* linked through side */
static void *resting[RESTING], *spare_sides; /* the latter linked through the first word */
static uint32_t rested;

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

static uint64_t use_key(uint32_t object, uint32_t thread) {
    return (uint64_t)object << 32 | thread;
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

static void append(struct object_node *o, struct use_node *n) {
    if (!o->first) o->last = &o->first;
    n->next = NULL;
    *o->last = n;
    o->last = &n->next;
}

static struct use_node *take_first(struct object_node *o) {
    struct use_node *n = o->first;
    o->first = n->next;
    if (!o->first) o->last = &o->first;
    return n;
}

static uint32_t merged_level(const struct twatch_use *a, const struct twatch_use *b) {
    const struct twatch_object *o = tw_object_at(a->object);
    if (o && o->kind == TWATCH_OBJ_COND) return a->level > UINT32_MAX - b->level ? UINT32_MAX : a->level + b->level;
    return !a->level || (b->level && b->level < a->level) ? b->level : a->level;
}

static void add_up(struct twatch_use *sum, const struct twatch_use *u) {
    sum->waits += u->waits;
    sum->blocked += u->blocked;
    sum->timeouts += u->timeouts;
    sum->wait_ns += u->wait_ns;
    if (u->wait_max_ns > sum->wait_max_ns) sum->wait_max_ns = u->wait_max_ns;
    sum->posts += u->posts;
    sum->broadcasts += u->broadcasts;
    sum->posts_to_nobody += u->posts_to_nobody;
    sum->empty_wakeups += u->empty_wakeups;
    sum->balance += u->balance;
    sum->level = merged_level(sum, u);
    if (u->mutex) sum->mutex = u->mutex;
    if (!sum->wait_stack) sum->wait_stack = u->wait_stack;
    if (!sum->post_stack) sum->post_stack = u->post_stack;
    if (u->first_ns && (!sum->first_ns || u->first_ns < sum->first_ns)) sum->first_ns = u->first_ns;
    if (u->last_ns > sum->last_ns) sum->last_ns = u->last_ns;
}

static bool has_ended(const struct twatch_use *u) {
    const struct twatch_thread *d = tw_thread_desc(u->thread);
    return u->balance <= 0 && d && d->end != TWATCH_THREAD_RUNNING; /* one that kept a permit stays a line of its own */
}

/* The record of an ended thread, emptied for another; NULL: none among the oldest. */
static struct use_node *from_ended(struct object_node *o, uint32_t object) {
    for (uint32_t i = 0; i < LOOKED_AT; i++) {
        struct use_node *n = take_first(o);
        bool first = !o->ended;
        if (n->use != o->ended && has_ended(n->use)) {
            tw_hashmap_remove(&uses, use_key(object, n->use->thread));
            if (!first) {
                add_up(o->ended, n->use);
                tw_sys_zero(n->use, sizeof *n->use);
                o->count--;
                return n;
            }
            o->ended = n->use;
            n->use->thread = 0;
        }
        append(o, n);
    }
    return NULL;
}

static struct twatch_use *use_in(struct object_node *o, struct tw_thread *t, uint32_t object) {
    struct twatch_use *known = tw_hashmap_get(&uses, use_key(object, t->id));
    if (known) return known;
    struct use_node *n = o->count >= MANY_THREADS ? from_ended(o, object) : NULL;
    if (!n) n = new_use();
    if (!n || !tw_hashmap_put(&uses, use_key(object, t->id), n->use)) return NULL;
    n->use->object = object;
    n->use->thread = t->id;
    o->count++;
    append(o, n);
    return n->use;
}

static void *new_side(void) {
    void *side = spare_sides;
    if (!side) return tw_sys_memory(TW_USE_SIDE);
    spare_sides = *(void **)side;
    tw_sys_zero(side, TW_USE_SIDE);
    return side;
}

static void rest_side(void *side) {
    void **place = &resting[rested++ % RESTING];
    if (*place) {
        *(void **)*place = spare_sides;
        spare_sides = *place;
    }
    *place = side;
}

struct twatch_use *tw_use_of(struct tw_thread *t, uint32_t object) {
    if (!object) return NULL;
    for (uint32_t i = 0; i < TW_USES; i++)
        if (t->uses[i].object == object && tw_use_same(&t->uses[i])) return t->uses[i].use;
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
    if (object && e->object == object && tw_use_same(e)) return e;
    tw_lock_take(&lock);
    struct object_node *n = object ? object_node(object) : NULL;
    if (n && q->side && !n->side) n->side = new_side();
    struct twatch_use *u = n && (n->side || !q->side) ? use_in(n, t, object) : NULL;
    void *side = n ? n->side : NULL;
    tw_lock_give(&lock);
    *e = (struct tw_use_entry){0};
    if (!u) return NULL;
    struct twatch_object *o = tw_object_at(object);
    *e = (struct tw_use_entry){q->address, object, o->generation, o, u, side};
    return e;
}

bool tw_use_has(uint32_t object) {
    tw_lock_take(&lock);
    bool has = tw_hashmap_get(&objects, object) != NULL;
    tw_lock_give(&lock);
    return has;
}

void *tw_use_side(uint32_t object) {
    tw_lock_take(&lock);
    struct object_node *n = tw_hashmap_get(&objects, object);
    void *side = n ? n->side : NULL;
    tw_lock_give(&lock);
    return side;
}

/* The record of a dead object, or a new one. */
static uint32_t new_queue(uint32_t object) {
    uint32_t id = spare_queue;
    struct twatch_queue *q = id ? tw_table_at(&queue_table, id) : tw_table_new(&queue_table, &id, TWATCH_LOSS_BUDGET);
    if (!q) return 0;
    spare_queue = q->next_free;
    q->next_free = 0;
    __atomic_store_n(&q->object, object, __ATOMIC_RELEASE);
    return id;
}

struct twatch_queue *tw_use_queue(uint32_t object) {
    tw_lock_take(&lock);
    struct object_node *o = tw_hashmap_get(&objects, object);
    if (o && !o->queue) o->queue = new_queue(object);
    struct twatch_queue *q = o ? tw_table_at(&queue_table, o->queue) : NULL;
    tw_lock_give(&lock);
    return q;
}

/* A thread on its way out of a wait may still count in it: who counts looks at the object first. */
static void give_up_queue(struct object_node *o) {
    struct twatch_queue *q = tw_table_at(&queue_table, o->queue);
    if (!q) return;
    tw_sys_zero(q, sizeof *q);
    q->next_free = spare_queue;
    spare_queue = o->queue;
    o->queue = 0;
}

/* The permits of a signal are not its takers' to give back. */
static bool dull(const struct twatch_use *u, bool signal) {
    return u->waits + u->posts < DULL_USE && (signal || u->balance <= 0);
}

/*
 * Python's condition variables make a lock for every wait, which another thread gives back. What a thread did with those of one
 * place is added up in one record that stands for the first of them: one for waiting, one for waking.
 */
static void hand_on(const struct twatch_object *o, uint32_t object, const struct twatch_use *u) {
    if (!o->create_stack || o->kind != TWATCH_OBJ_SEM || !(tw_header->flags & TWATCH_HDR_PYTHON)) return;
    uint64_t key = (tw_sys_mix((uint64_t)o->create_stack << 32 | u->thread) + (u->waits != 0)) | 1ull << 63;
    struct twatch_use *heir = tw_hashmap_get(&heirs, key);
    if (heir) {
        add_up(heir, u);
        return;
    }
    struct use_node *n = nheirs < MANY_HEIRS ? new_use() : NULL;
    if (!n) return;
    *n->use = *u;
    if (tw_hashmap_put(&heirs, key, n->use)) nheirs++;
    tw_object_keep(object);
}

static void give_up(struct object_node *o, uint32_t object) {
    const struct twatch_object *known = tw_object_at(object);
    bool signal = known && known->flags & TWATCH_OBJF_FOREIGN_POST;
    for (uint32_t i = o->count; i > 0; i--) {
        struct use_node *n = take_first(o);
        if (!dull(n->use, signal)) {
            append(o, n);
            continue;
        }
        tw_hashmap_remove(&uses, use_key(object, n->use->thread));
        if (n->use == o->ended) o->ended = NULL;
        if (signal) hand_on(known, object, n->use);
        tw_sys_zero(n->use, sizeof *n->use);
        n->next = spare;
        spare = n;
        o->count--;
    }
    if (o->side) rest_side(o->side);
    o->side = NULL;
    if (o->count > 0) return;
    tw_hashmap_remove(&objects, object);
    give_up_queue(o);
    o->side = spare_objects;
    spare_objects = o;
}

void tw_use_object_dead(uint32_t object) {
    if (__atomic_load_n(&use_table.count, __ATOMIC_RELAXED) < MANY_USES) return;
    tw_lock_take(&lock);
    struct object_node *o = tw_hashmap_get(&objects, object);
    if (o) give_up(o, object);
    tw_lock_give(&lock);
}

static uint64_t stat_key(uint32_t object, uintptr_t pc) {
    return tw_sys_mix(pc * 0x9e3779b97f4a7c15ull + object) | 1;
}

/* Two sites of one object share a hash once in 2^64: they would then share a line of a table, no more. */
static struct twatch_stat *stat_of(uint32_t object, uintptr_t pc, uint32_t stack) {
    uint64_t key = stat_key(object, pc);
    tw_lock_take(&lock);
    struct twatch_stat *s = tw_hashmap_get(&stats, key);
    if (!s && stat_table.count >= MANY_STATS) {
        object = 0;
        key = stat_key(object, pc);
        s = tw_hashmap_get(&stats, key);
    }
    struct twatch_object *o = tw_object_at(object);
    if (o && !(o->flags & TWATCH_OBJF_COUNTED)) __atomic_fetch_or(&o->flags, TWATCH_OBJF_COUNTED, __ATOMIC_RELAXED);
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

static struct tw_stat_entry *entry_of(struct tw_thread *t, uint64_t key) {
    return &t->stats[key >> 32 & (TW_STATS - 1)];
}

struct tw_stat_entry *tw_stat_known(struct tw_thread *t, uint32_t object, uintptr_t pc) {
    uint64_t key = stat_key(object, pc);
    struct tw_stat_entry *e = entry_of(t, key);
    return e->key == key ? e : NULL;
}

static void raise_to(uint64_t *max, uint64_t value) {
    uint64_t seen = __atomic_load_n(max, __ATOMIC_RELAXED);
    while (value > seen && !__atomic_compare_exchange_n(max, &seen, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

static void hand_in(struct tw_stat_entry *e) {
    if (e->contended == 0) return;
    __atomic_fetch_add(&e->stat->contended, e->contended, __ATOMIC_RELAXED);
    __atomic_fetch_add(&e->stat->wait_ns, e->wait_ns, __ATOMIC_RELAXED);
    raise_to(&e->stat->wait_max_ns, e->wait_max_ns);
    e->contended = e->wait_ns = e->wait_max_ns = 0;
}

struct tw_stat_entry *tw_stat_of(struct tw_thread *t, uint32_t object, uintptr_t pc, uint32_t stack) {
    struct tw_stat_entry *e = tw_stat_known(t, object, pc);
    if (e) return e;
    uint64_t key = stat_key(object, pc);
    struct twatch_stat *s = stat_of(object, pc, stack);
    if (!s) return NULL;
    e = entry_of(t, key);
    hand_in(e);
    *e = (struct tw_stat_entry){.key = key, .stat = s};
    return e;
}

void tw_stat_waited(struct tw_stat_entry *e, uint64_t now, uint64_t ns) {
    enum { KEPT_NS = 100000 };
    int64_t since = (int64_t)(now - e->added_ns); /* below 0: the clock of one of the two was the coarse one */
    e->contended++;
    e->wait_ns += ns;
    if (ns > e->wait_max_ns) e->wait_max_ns = ns;
    if (since < KEPT_NS) return;
    e->added_ns = now;
    hand_in(e);
}

void tw_stat_thread_ended(struct tw_thread *t) {
    for (int i = 0; i < TW_STATS; i++)
        hand_in(&t->stats[i]);
}

void tw_use_each(uint32_t object, void (*each)(const struct twatch_use *use, void *arg), void *arg) {
    tw_lock_take(&lock);
    struct object_node *o = tw_hashmap_get(&objects, object);
    for (struct use_node *n = o ? o->first : NULL; n; n = n->next)
        each(n->use, arg);
    tw_lock_give(&lock);
}

void tw_use_forked(void) {
    tw_table_forget(&use_table);
    tw_table_forget(&stat_table);
    tw_table_forget(&queue_table);
    tw_hashmap_clear(&objects);
    tw_hashmap_clear(&uses);
    tw_hashmap_clear(&stats);
    tw_hashmap_clear(&heirs);
    nheirs = 0;
    spare = NULL;
    spare_queue = 0;
    spare_objects = NULL;
    spare_sides = NULL;
    tw_sys_zero(resting, sizeof resting);
    if (tw_self) tw_sys_zero(tw_self->stats, sizeof tw_self->stats);
    lock = (struct tw_lock){0};
}
