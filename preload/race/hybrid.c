/*
 * Races that the order of this run hides. Each thread has a second clock vector that learns nothing from the hand-over
 * of a mutex, rwlock or spin lock (create, join, semaphores, barriers, condition variables, atomics, descriptors and
 * the rest count as ever). Two accesses that only the first vector orders, one a write, with no lock in common, are
 * reported with the flag `hybrid`: with another schedule they are a race (O'Callahan, Choi, Hybrid dynamic data race
 * detection, PPoPP 2003).
 *
 * Ownership that is handed over through data under a lock would be reported so, too: an item that is filled, put in a
 * queue under the queue's mutex, and used by who takes it out. So the hand-over of a lock counts as an order after all
 * where it cannot have been otherwise:
 *
 *   - the later critical section reads what an earlier one under the same lock has written (the queue's head, the flag,
 *     the count of finished workers). From there on all that was released into the lock is before the reader. A blind
 *     update (add to memory, whose result nobody looks at: a statistics counter) hands nothing over. This is the order
 *     CP (Smaragdakis and others, POPL 2012) without its write-write edges (as SDP: Genc and others, OOPSLA 2019).
 *   - the earlier section began before something that the later thread was waiting for anyway: a lock that is held over
 *     the thread's creation, as a starting gate.
 *
 * The clocks step at each acquire of a lock too, so that the first access in a critical section is seen, with its
 * locks.
 */
#include "hybrid.h"
#include "record.h"
#include "shadow.h"
#include "x86/x86.h"

enum { OBJECTS = 1 << 20, BUCKETS = 1 << 16, CHUNK = 1 << 20, HELD = 32, FIRST_ROOM = 64 };
enum kind { UNKNOWN, LOCK, OTHER };

struct object {
    uint64_t key;
    uint32_t next, lock;
    uint32_t *clock;        /* what was released into it */
    uint32_t *from, *until; /* locks, by slot: clocks of the acquire and the release of its last section as a gate */
    uint16_t room, kind;
};

struct owned { /* locks that a slot's thread holds; those above HELD are not kept, and then nothing is handed over */
    uint32_t n, out; /* out: its clock when it last ordered others by something else than a lock */
    struct {
        uint32_t object, clock;
    } held[HELD];
};

bool rt_hybrid_on;

static uint32_t (*known)[RT_SLOTS]; /* the second vectors, by slot */
static struct owned *owned;
static struct object *objects;
static uint32_t *buckets, nobjects = 1, table_lock, arena_lock;
static uint8_t *arena;
static size_t arena_left;

bool rt_hybrid_start(void) {
    known = rt_pages(NULL, RT_SLOTS * sizeof *known);
    owned = rt_pages(NULL, RT_SLOTS * sizeof *owned);
    objects = rt_pages(NULL, OBJECTS * sizeof *objects);
    buckets = rt_pages(NULL, BUCKETS * sizeof *buckets);
    rt_hybrid_on = known && owned && objects && buckets;
    return rt_hybrid_on;
}

/* ---- objects */

static struct object *find(uint64_t key) {
    for (uint32_t n = __atomic_load_n(&buckets[rt_mix(key) % BUCKETS], __ATOMIC_ACQUIRE); n; n = objects[n].next)
        if (objects[n].key == key) return &objects[n];
    return NULL;
}

/* NULL: the table is full; then nothing is known of the object, and the caller orders what it can. */
static struct object *object_of(uintptr_t obj, bool atomic) {
    uint64_t key = (uint64_t)obj << 1 | atomic;
    struct object *o = find(key);
    if (__builtin_expect(o != NULL, 1)) return o;
    rt_lock(&table_lock);
    o = find(key);
    if (!o && nobjects < OBJECTS) {
        uint32_t *head = &buckets[rt_mix(key) % BUCKETS], n = nobjects++;
        o = &objects[n];
        *o = (struct object){.key = key, .next = *head, .kind = atomic ? OTHER : UNKNOWN};
        __atomic_store_n(head, n, __ATOMIC_RELEASE);
    }
    rt_unlock(&table_lock);
    return o;
}

static uint32_t *room(size_t entries) {
    size_t bytes = entries * sizeof(uint32_t);
    rt_lock(&arena_lock);
    if (arena_left < bytes) {
        arena = rt_pages(NULL, CHUNK);
        arena_left = arena ? CHUNK : 0;
    }
    uint32_t *p = NULL;
    if (arena_left >= bytes) {
        p = (uint32_t *)(void *)arena;
        arena += bytes;
        arena_left -= bytes;
    }
    rt_unlock(&arena_lock);
    return p;
}

/* Under o->lock. Smaller rooms are left behind: each object leaves three at most. */
static bool fits(struct object *o, uint32_t n) {
    if (n <= o->room) return true;
    uint32_t want = FIRST_ROOM;
    while (want < n)
        want *= 4;
    uint32_t *p = room(3ul * want);
    if (!p) return false;
    for (uint32_t i = 0; i < o->room; i++) {
        p[i] = o->clock[i];
        p[want + i] = o->from[i];
        p[2 * want + i] = o->until[i];
    }
    o->clock = p;
    o->from = p + want;
    o->until = p + 2 * want;
    o->room = (uint16_t)want;
    return true;
}

static void join(uint32_t *to, const uint32_t *from, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        uint32_t c = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        if (c > to[i]) to[i] = c;
    }
}

static void give(struct object *o, uint32_t *to) {
    rt_lock(&o->lock);
    join(to, o->clock, o->room);
    rt_unlock(&o->lock);
}

struct question {
    uintptr_t obj;
    uint32_t kind;
};

static void ask_kind(void *arg) {
    struct question *q = arg;
    q->kind = rt_host->kind(q->obj);
}

/* Asked at the first acquire, when the shim has put the lock among those that are held. */
static uint32_t kind_of(struct object *o, uintptr_t obj) {
    if (o->kind == UNKNOWN) {
        struct question q = {obj, 0};
        x86_call_with_vectors(ask_kind, &q);
        bool lock = q.kind == TWATCH_OBJ_MUTEX || q.kind == TWATCH_OBJ_RWLOCK || q.kind == TWATCH_OBJ_SPIN;
        o->kind = lock ? LOCK : OTHER;
    }
    return o->kind;
}

static void holds(uint32_t slot, const struct object *o, uint32_t clock) {
    struct owned *l = &owned[slot];
    if (l->n >= HELD) return;
    l->held[l->n].object = (uint32_t)(o - objects);
    l->held[l->n++].clock = clock;
}

/* Under o->lock. A section in which the thread let others go is a gate to them. */
static void holds_no_more(uint32_t slot, struct object *o, uint32_t clock) {
    struct owned *l = &owned[slot];
    for (uint32_t i = l->n; i-- > 0;) {
        if (&objects[l->held[i].object] != o) continue;
        if (l->out >= l->held[i].clock && slot < o->room) {
            o->from[slot] = l->held[i].clock;
            o->until[slot] = clock;
        }
        l->held[i] = l->held[--l->n];
        return;
    }
}

static void pass_gates(const struct rt_tls *t, struct object *o) {
    uint32_t *mine = known[t->slot->number];
    rt_lock(&o->lock);
    for (uint32_t i = 1; i < o->room; i++) {
        if (o->until[i] <= mine[i] || o->from[i] > mine[i]) continue;
        join(mine, known[i], __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE));
        mine[i] = o->until[i];
    }
    rt_unlock(&o->lock);
}

void rt_hybrid_acquire(struct rt_tls *t, uintptr_t obj, bool atomic) {
    struct object *o = object_of(obj, atomic);
    uint32_t me = t->slot->number;
    if (!o || me == RT_CROWD) return;
    if (kind_of(o, obj) != LOCK) {
        give(o, known[me]);
        return;
    }
    pass_gates(t, o);
    holds(me, o, rt_clock_of((uint32_t)t->epoch));
    rt_clock_bump(t);
}

void rt_hybrid_release(struct rt_tls *t, uintptr_t obj, bool atomic) {
    struct object *o = object_of(obj, atomic);
    uint32_t me = t->slot->number, n = __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE);
    if (!o || me == RT_CROWD) return;
    uint32_t clock = rt_clock_of((uint32_t)t->epoch);
    rt_lock(&o->lock);
    if (fits(o, n)) {
        join(o->clock, known[me], n);
        if (clock > o->clock[me]) o->clock[me] = clock;
        if (o->kind == UNKNOWN) o->until[me] = clock; /* taken when there was one thread, if it is a lock */
    }
    if (o->kind == LOCK)
        holds_no_more(me, o, clock);
    else
        owned[me].out = clock;
    rt_unlock(&o->lock);
}

void rt_hybrid_forget(uintptr_t obj) {
    struct object *o = find((uint64_t)obj << 1);
    if (!o) return;
    rt_lock(&o->lock);
    memset(o->clock, 0, 3ul * o->room * sizeof *o->clock);
    o->kind = UNKNOWN;
    rt_unlock(&o->lock);
}

/* ---- threads */

void rt_hybrid_learn(const struct rt_tls *t, uint32_t slot, uint32_t clock) {
    uint32_t *to = known[t->slot->number];
    join(to, known[slot], __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE));
    if (clock > to[slot]) to[slot] = clock;
}

void rt_hybrid_create(const struct rt_tls *t, uint32_t slot) {
    uint32_t me = t->slot->number, clock = rt_clock_of((uint32_t)t->epoch), *to = known[slot];
    join(to, known[me], __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE));
    if (clock > to[me]) to[me] = clock;
    owned[slot].n = 0;
    owned[me].out = clock;
}

void rt_hybrid_reset(void) { /* every other thread stands still */
    memset(known, 0, RT_SLOTS * sizeof *known);
    for (uint32_t n = 1; n < nobjects; n++)
        memset(objects[n].clock, 0, 3ul * objects[n].room * sizeof(uint32_t));
    for (uint32_t i = 0; i < RT_SLOTS; i++) {
        for (uint32_t k = 0; k < owned[i].n; k++)
            owned[i].held[k].clock = 0;
        owned[i].out = 0;
    }
}

void rt_hybrid_forked(void) {
    table_lock = arena_lock = 0;
    for (uint32_t n = 1; n < nobjects; n++)
        objects[n].lock = 0;
}

/* ---- pairs */

static bool share_a_lock(const struct rt_access *a, const struct rt_access *b) {
    uint32_t na, nb;
    const uint32_t *la = rt_history_locks(a->locks, &na), *lb = rt_history_locks(b->locks, &nb);
    for (uint32_t i = 0; i < na; i++)
        for (uint32_t k = 0; k < nb; k++)
            if (la[i] == lb[k]) return true;
    return false;
}

/* Does the access look at the value? An update in one instruction does when its flags are used. */
static bool observes(const struct rt_place *p) {
    if (!(p->flags & RT_READ)) return false;
    if (!(p->flags & RT_WRITE) || p->flags & RT_RANGE || p->key >> 63) return true;
    return x86_site_result_used((uint32_t)p->key);
}

static inline bool single_mov(uint32_t flags) {
    return (flags & RT_MOV) && (flags & (RT_READ | RT_WRITE)) != (RT_READ | RT_WRITE);
}

void rt_hybrid_pair(struct rt_tls *t, uintptr_t g, uint32_t mask, uint32_t cell, uint32_t mark, bool old_write,
        uintptr_t addr, struct rt_place *p) {
    uint32_t me = t->slot->number, slot = rt_slot_of(cell);
    if (slot == me || slot == RT_CROWD || me == RT_CROWD || rt_clock_of(cell) <= known[me][slot]) return;
    if (!((mark >> RT_ID_BITS) & mask)) return;
    const struct rt_access *a = rt_history_get(mark), *b = rt_history_get(rt_history_id(t, p));
    if (a->slot != slot || (a->flags | p->flags) & RT_FREE) return;
    if (share_a_lock(a, b)) {
        if (!old_write || !observes(p)) return;
        for (uint32_t i = 0; i < owned[me].n; i++)
            give(&objects[owned[me].held[i].object], known[me]);
        return;
    }
    rt_report(t, &(struct rt_race){.granule = g,
                         .mask = (mark >> RT_ID_BITS) & mask,
                         .old_epoch = cell,
                         .old_mask = mark >> RT_ID_BITS,
                         .old_id = mark,
                         .new_epoch = (uint32_t)t->epoch,
                         .new_id = rt_history_id(t, p),
                         .new_addr = addr,
                         .old_write = old_write,
                         .hybrid = true});
    /* As in access.c: it may have been the store and the load of an atomic variable. */
    if (old_write && !(p->flags & RT_WRITE) && ((single_mov(a->flags) && single_mov(p->flags)) || p->flags & RT_SPIN))
        rt_hybrid_learn(t, slot, t->vc[slot]);
}
