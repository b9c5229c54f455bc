/*
 * Synchronisation objects and atomic variables: each carries a clock vector that a release joins the thread's into and
 * an acquire joins into the thread's.
 *
 * Biased objects. An object that one thread alone uses needs no clock work, and above all no step of the thread's
 * epoch, which would send the next access to everything that the thread works on to the slow path (measured: sqlite 23x
 * to 5x). So an object is SOLO when only its owner has ever used it, or has done so many times in a row. The first
 * thread that takes it over computes from the owner's clock vector what the owner's last release would have given it,
 * and steps the owner's epoch. What is lost: races between that thread and accesses that the owner made after its last
 * release and before the take-over, in one epoch with those before the release. To keep that away from short programs,
 * biasing begins only after a thread's first 4096 releases.
 */
#include "hybrid.h"
#include "record.h"
#include "shadow.h"

enum { NAMED_BUCKETS = 1 << 18, POOL = 1 << 24, SOLO_RUN = 16, VC_CLASSES = 8, CHUNK = 1 << 20 };
enum sync_state { FREE, FULL, SOLO };

struct vector {
    uint32_t *clock;
    uint16_t n, room;
};

struct sync {
    uintptr_t addr;
    uint32_t lock, next;
    uint32_t release_clock;       /* SOLO: of the owner at its last release */
    uint32_t last_epoch, last_id; /* atomic: the last operation, for plain read-modify-writes beside it */
    uint16_t owner;               /* slot that released last */
    uint8_t state, others;        /* others: more than one thread has used it */
    uint8_t atomic, granules, run, pad;
    struct vector all;     /* released to everybody */
    struct vector readers; /* released by readers: for writers only */
};

static struct sync *pool;
static uint32_t pool_used = 1, pool_free, pool_lock;
static uint32_t *buckets, named_lock;
static uint8_t *arena;
static size_t arena_left;
static void *vector_free[VC_CLASSES];
static uint32_t vector_lock;

static bool init(void) {
    if (__builtin_expect(pool != NULL, 1)) return true;
    rt_lock(&pool_lock);
    if (!buckets) buckets = rt_pages(NULL, NAMED_BUCKETS * sizeof *buckets);
    if (!pool && buckets) pool = rt_pages(NULL, (size_t)POOL * sizeof *pool);
    rt_unlock(&pool_lock);
    return pool != NULL;
}

/* ---- clock vectors: rooms of 8 << class entries */

static uint32_t *vector_room(uint32_t class) {
    size_t bytes = (size_t)(8u << class) * sizeof(uint32_t);
    rt_lock(&vector_lock);
    void *p = vector_free[class];
    if (p) {
        vector_free[class] = *(void **)p;
    } else {
        if (arena_left < bytes) {
            arena = rt_pages(NULL, CHUNK);
            arena_left = arena ? CHUNK : 0;
        }
        if (arena) {
            p = arena;
            arena += bytes;
            arena_left -= bytes;
        }
    }
    rt_unlock(&vector_lock);
    if (p) memset(p, 0, bytes);
    return p;
}

static void vector_drop(struct vector *v) {
    if (v->room) {
        uint32_t class = (uint32_t)__builtin_ctz(v->room) - 3;
        rt_lock(&vector_lock);
        *(void **)v->clock = vector_free[class];
        vector_free[class] = v->clock;
        rt_unlock(&vector_lock);
    }
    *v = (struct vector){NULL, 0, 0};
}

static bool vector_fit(struct vector *v, uint32_t n) {
    if (n <= v->room) {
        if (n > v->n) v->n = (uint16_t)n;
        return true;
    }
    uint32_t class = 0;
    while (8u << class < n)
        class ++;
    uint32_t *room = vector_room(class);
    if (!room) return false;
    for (uint32_t i = 0; i < v->n; i++)
        room[i] = v->clock[i];
    vector_drop(v);
    *v = (struct vector){room, (uint16_t)n, (uint16_t)(8u << class)};
    return true;
}

/* v |= from, with `clock` for `slot` itself. */
static void vector_take(struct vector *v, const uint32_t *from, uint32_t slot, uint32_t clock) {
    uint32_t n = __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE);
    if (slot >= n) n = slot + 1;
    if (!vector_fit(v, n)) {
        rt_host->loss(TWATCH_LOSS_MEMORY, 1);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint32_t c = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        if (c > v->clock[i]) v->clock[i] = c;
    }
    if (clock > v->clock[slot]) v->clock[slot] = clock;
}

static void vector_give(const struct vector *v, uint32_t *to) {
    for (uint32_t i = 1; i < v->n; i++)
        if (v->clock[i] > to[i]) to[i] = v->clock[i];
}

/* ---- objects */

static uint32_t sync_new(void) { /* under no lock; 0: none left */
    rt_lock(&pool_lock);
    uint32_t n = pool_free;
    if (n)
        pool_free = pool[n].next;
    else if (pool_used < POOL)
        n = pool_used++;
    rt_unlock(&pool_lock);
    return n;
}

static void sync_reset(struct sync *s, uintptr_t addr, bool atomic) {
    vector_drop(&s->all);
    vector_drop(&s->readers);
    s->release_clock = s->last_epoch = s->last_id = 0;
    s->owner = 0;
    s->state = FULL;
    s->others = s->run = 0;
    s->atomic = atomic;
    s->granules = 0;
    __atomic_store_n(&s->addr, addr, __ATOMIC_RELEASE);
}

static uint32_t bucket_of(uintptr_t obj) {
    return (uint32_t)(rt_mix(obj) & (NAMED_BUCKETS - 1));
}

static struct sync *named_find(uintptr_t obj) {
    for (uint32_t n = __atomic_load_n(&buckets[bucket_of(obj)], __ATOMIC_ACQUIRE); n; n = pool[n].next)
        if (__atomic_load_n(&pool[n].addr, __ATOMIC_ACQUIRE) == obj) return &pool[n];
    return NULL;
}

/* The object's entry, made when it is new. A forgotten entry stays in its chain and serves the next object there. */
static struct sync *named(uintptr_t obj) {
    if (!init()) return NULL;
    struct sync *s = named_find(obj);
    if (__builtin_expect(s != NULL, 1)) return s;
    uint32_t *head = &buckets[bucket_of(obj)];
    rt_lock(&named_lock);
    s = named_find(obj);
    for (uint32_t n = *head; n && !s; n = pool[n].next)
        if (!pool[n].addr) {
            s = &pool[n];
            sync_reset(s, obj, false);
        }
    uint32_t n;
    if (!s && (n = sync_new()) != 0) {
        s = &pool[n];
        sync_reset(s, obj, false);
        s->next = *head;
        __atomic_store_n(head, n, __ATOMIC_RELEASE);
    }
    rt_unlock(&named_lock);
    return s;
}

static void cells_set(const struct sync *s, uint32_t mark) { /* the inline checks read whose the variable is */
    if (!s->atomic) return;
    for (uint32_t i = 0; i < s->granules; i++) {
        uint32_t *cell = rt_write_cell(s->addr + 4u * i);
        if (rt_is_mark(*cell)) __atomic_store_n(cell, RT_MARK | mark, __ATOMIC_RELEASE);
    }
}

/*
 * The object is the thread's alone, or `or_new`: nobody else has ever used it. Without the lock: the owner is asked
 * last. It becomes the caller by the caller's own doing only, so what was read before was the caller's state; the other
 * way round another thread may take the object over and make it its own in between.
 */
static inline bool is_mine(const struct sync *s, uint32_t me, bool or_new) {
    bool solo = __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == SOLO;
    return (solo || (or_new && !__atomic_load_n(&s->others, __ATOMIC_ACQUIRE))) &&
           __atomic_load_n(&s->owner, __ATOMIC_RELAXED) == me;
}

/*
 * Under s->lock: another thread than the owner comes. The owner's releases look at the state without the lock, and its
 * checks at the cells: it must see that they count again before its clock steps, or what it does in between is in no
 * clock that anybody is given.
 *
 * The owner of an atomic variable may stand between its check, which found the variable its own, and the operation:
 * what the operation then sees may have been released after the check, by the thread that comes now. So the owner is
 * told to acquire the variable once more at its next slow call, which comes before anything is said of what it does
 * from then on: its clock has stepped.
 */
static void unbias(struct sync *s) {
    if (s->state == SOLO) {
        __atomic_store_n(&s->state, FULL, __ATOMIC_SEQ_CST);
        cells_set(s, RT_MARK_SHARED);
        if (s->atomic) rt_clock_taken(s->owner, (uint32_t)(s - pool));
        uint32_t now = rt_clock_bump_other(s->owner);
        uint32_t clock = s->atomic || s->release_clock > now ? now : s->release_clock;
        vector_take(&s->all, rt_clocks[s->owner], s->owner, clock);
    }
    s->others = 1;
    s->run = 0;
}

static void acquire(struct rt_tls *t, struct sync *s, bool shared) {
    uint32_t me = t->slot->number;
    if (__builtin_expect(rt_hybrid_on, 0)) rt_hybrid_acquire(t, s->addr, s->atomic);
    if (is_mine(s, me, true)) return;
    rt_lock(&s->lock);
    if (s->owner && s->owner != me) unbias(s);
    vector_give(&s->all, t->vc);
    if (!shared) vector_give(&s->readers, t->vc);
    rt_unlock(&s->lock);
}

/*
 * The clock that a release gives out, and whether the thread's must step. Where no cell has the epoch yet, all that the
 * thread has done is of older ones: those are given out, and the next release is as good as this one.
 */
static void release(struct rt_tls *t, struct sync *s, bool shared) {
    if (__builtin_expect(t->reacquire != 0, 0)) rt_atomic_reacquire(t); /* it is part of what is released */
    uint32_t me = t->slot->number, clock = rt_clock_of((uint32_t)t->epoch);
    if (__builtin_expect(rt_hybrid_on, 0)) rt_hybrid_release(t, s->addr, s->atomic);
    bool used = t->used || me == RT_CROWD || rt_hybrid_on;
    if (!used) clock--;
    if (is_mine(s, me, false)) {
        s->release_clock = clock;
        return;
    }
    rt_lock(&s->lock);
    if (s->owner && s->owner != me) unbias(s);
    s->owner = (uint16_t)me;
    if (s->run < 255) s->run++;
    if (!t->exact_ops && !shared && (!s->others || s->run >= SOLO_RUN)) {
        s->state = SOLO;
        s->release_clock = clock;
        cells_set(s, me);
        rt_unlock(&s->lock);
        return;
    }
    if (t->exact_ops) t->exact_ops--;
    vector_take(shared ? &s->readers : &s->all, t->vc, me, clock);
    rt_unlock(&s->lock);
    if (used) rt_clock_bump(t);
}

/* As named, by way of what the thread used last. */
static struct sync *named_nearby(struct rt_slot *slot, uintptr_t obj) {
    uint32_t *n = &slot->nearby[(obj >> 3 ^ obj >> 10) % RT_NEARBY];
    struct sync *s = pool + *n;
    if (pool && *n && s->addr == obj && !s->atomic) return s;
    s = named(obj);
    if (s && slot->number != RT_CROWD) *n = (uint32_t)(s - pool);
    return s;
}

void rt_sync_do(struct rt_tls *t, uint32_t op, uintptr_t obj) {
    struct sync *s = named_nearby(t->slot, obj);
    if (!s) return;
    if (op == RT_ACQUIRE || op == RT_ACQUIRE_SHARED)
        acquire(t, s, op == RT_ACQUIRE_SHARED);
    else
        release(t, s, op == RT_RELEASE_SHARED);
}

void rt_sync_forget(uintptr_t obj) {
    if (!pool) return;
    struct sync *s = named_find(obj);
    if (!s) return;
    if (rt_hybrid_on) rt_hybrid_forget(obj);
    rt_lock(&s->lock);
    vector_drop(&s->all);
    vector_drop(&s->readers);
    s->state = FREE;
    __atomic_store_n(&s->addr, 0, __ATOMIC_RELEASE);
    rt_unlock(&s->lock);
}

/* ---- atomic variables */

/* The access that was there before the variable was known to be atomic. A store by a single mov was its first release;
 * anything else races. */
static void became_atomic(struct rt_tls *t, uintptr_t g, uint32_t cell, uint32_t mark, struct rt_place *p) {
    uint32_t slot = rt_slot_of(cell), clock = rt_clock_of(cell);
    if (!cell || slot == t->slot->number || clock <= t->vc[slot]) return;
    const struct rt_access *old = rt_history_get(mark);
    if (old->slot != slot) return;
    if (!(old->flags & RT_MOV) || old->flags & (RT_READ | RT_FREE)) {
        rt_report(t, &(struct rt_race){.granule = g,
                             .mask = mark >> RT_ID_BITS,
                             .old_epoch = cell,
                             .old_mask = mark >> RT_ID_BITS,
                             .old_id = mark,
                             .new_epoch = (uint32_t)t->epoch,
                             .new_id = rt_history_id(t, p),
                             .new_addr = g,
                             .old_write = true});
    }
    rt_clock_bump_other(slot);
    rt_clock_learn(t, slot, clock);
}

/* Whoever reads the variable from here on learns of that store what it would have learned before: the thread that found
   out what the variable is may be a while in telling. */
static void published_before(struct sync *s, uint32_t cell, uint32_t mark) {
    const struct rt_access *old = cell ? rt_history_get(mark) : NULL;
    uint32_t slot = rt_slot_of(cell);
    if (!old || old->slot != slot || !(old->flags & RT_MOV) || old->flags & (RT_READ | RT_FREE)) return;
    rt_clock_bump_other(slot);
    vector_take(&s->all, rt_clocks[slot], slot, rt_clock_of(cell));
}

uint32_t rt_atomic_at(struct rt_tls *t, uintptr_t addr, uint32_t size, struct rt_place *p) {
    uintptr_t g = addr & ~3ull;
    const struct rt_window *w = rt_window(g);
    if (!w || !init()) return 0;
    if (rt_is_mark(*rt_write_cell(g))) {
        uint32_t n = *rt_write_mark(w, g);
        if (n && n < pool_used && pool[n].atomic) return n;
    }
    uint32_t granules = size ? (uint32_t)((addr + size - 1 - g) / 4 + 1) : 1;
    uint32_t n = sync_new();
    if (!n) return 0;
    rt_lock(&named_lock);
    uint32_t cell = *rt_write_cell(g), mark = *rt_write_mark(w, g);
    if (rt_is_mark(cell)) { /* another thread was faster */
        rt_lock(&pool_lock);
        pool[n].next = pool_free;
        pool_free = n;
        rt_unlock(&pool_lock);
        rt_unlock(&named_lock);
        return mark;
    }
    sync_reset(&pool[n], g, true);
    pool[n].granules = (uint8_t)granules;
    published_before(&pool[n], cell & ~RT_EXACT, mark);
    for (uint32_t i = 0; i < granules; i++, g += 4) {
        uint8_t *readers = rt_readers(w, g);
        *rt_write_mark(w, g) = n;
        __atomic_store_n(rt_write_cell(g), RT_MARK | RT_MARK_SHARED, __ATOMIC_SEQ_CST);
        for (uint32_t b = *readers; b; b &= b - 1)
            *rt_read_cell(g, (uint32_t)__builtin_ctz(b)) = 0;
        *readers = 0;
    }
    rt_unlock(&named_lock);
    became_atomic(t, addr & ~3ull, cell & ~RT_EXACT, mark, p);
    return n;
}

void rt_atomic_release(struct rt_tls *t, uint32_t number) {
    release(t, &pool[number], false);
}
void rt_atomic_acquire(struct rt_tls *t, uint32_t number) {
    acquire(t, &pool[number], false);
}

void rt_atomic_reacquire(struct rt_tls *t) {
    uint32_t n = __atomic_exchange_n(&t->reacquire, 0, __ATOMIC_SEQ_CST);
    if (n && n != RT_REACQUIRE_TAKEN) acquire(t, &pool[n], false);
    uint32_t last = __atomic_load_n(&t->ntaken, __ATOMIC_ACQUIRE);
    if (last - t->seen_taken > RT_TAKEN) t->seen_taken = last - RT_TAKEN;
    while (t->seen_taken != last)
        acquire(t, &pool[t->taken[t->seen_taken++ % RT_TAKEN]], false);
}

void rt_atomic_note(struct rt_tls *t, uint32_t number, struct rt_place *p) {
    struct sync *s = &pool[number];
    if ((s->state != FULL || !s->others) && !(p->flags & RT_EXACT_ATOMICS)) return;
    s->last_id = rt_history_id(t, p);
    t->used = 1;
    s->last_epoch = (uint32_t)t->epoch;
}

/* A read and a write back beside atomic operations of others, ordered by nothing but the variable itself: an update may
 * be lost. */
static void plain_update(struct rt_tls *t, const struct sync *s, uintptr_t g, struct rt_place *p) {
    uint32_t e = s->last_epoch, slot = rt_slot_of(e);
    if (!e || slot == t->slot->number || rt_clock_of(e) <= t->vc[slot]) return;
    if (rt_history_get(s->last_id)->slot != slot) return;
    rt_report(t, &(struct rt_race){.granule = g,
                         .mask = 15,
                         .old_epoch = e,
                         .old_mask = 15,
                         .old_id = s->last_id,
                         .new_epoch = (uint32_t)t->epoch,
                         .new_id = rt_history_id(t, p),
                         .new_addr = g,
                         .old_write = true});
}

void rt_atomic_plain(struct rt_tls *t, uintptr_t granule, struct rt_place *p) {
    const struct rt_window *w = rt_window(granule);
    uint32_t n = *rt_write_mark(w, granule);
    if (!pool || !n || n >= pool_used || !pool[n].atomic) return;
    struct sync *s = &pool[n];
    if (p->flags & RT_EXACT_ATOMICS) {
        plain_update(t, s, granule, p);
        return;
    }
    if (is_mine(s, t->slot->number, false)) return;
    if ((p->flags & (RT_READ | RT_WRITE)) == (RT_READ | RT_WRITE) && !(p->flags & RT_RANGE))
        plain_update(t, s, granule, p);
    if (p->flags & RT_READ) {
        acquire(t, s, false);
        t->reacquire = n; /* the check runs before the load: what it will see may be newer */
    }
    if (p->flags & RT_WRITE) release(t, s, false);
}

void rt_sync_unwatched(struct rt_tls *t, uintptr_t granule, bool atomic, bool release_it, bool acquire_it) {
    if (granule >> 47 || rt_window(granule) || !init()) return;
    struct sync *s = atomic ? named(granule) : named_find(granule);
    if (!s) return;
    if (release_it) release(t, s, false);
    if (!acquire_it) return;
    acquire(t, s, false);
    if (!atomic) t->reacquire = (uint32_t)(s - pool); /* as in rt_atomic_plain */
}

static void atomic_free(uint32_t n) {
    struct sync *s = &pool[n];
    rt_lock(&s->lock);
    bool mine = s->atomic;
    s->atomic = 0;
    s->state = FREE;
    s->addr = 0;
    vector_drop(&s->all);
    vector_drop(&s->readers);
    rt_unlock(&s->lock);
    if (!mine) return;
    rt_lock(&pool_lock);
    s->next = pool_free;
    pool_free = n;
    rt_unlock(&pool_lock);
}

void rt_atomic_drop(uint32_t number, uintptr_t granule) {
    if (pool && number && number < pool_used && pool[number].atomic && pool[number].addr == granule)
        atomic_free(number);
}

void rt_atomic_drop_range(uintptr_t lo, uintptr_t hi) {
    for (uint32_t n = 1; pool && n < pool_used; n++)
        if (pool[n].atomic && pool[n].addr >= lo && pool[n].addr < hi) atomic_free(n);
}

void rt_sync_reset(void) { /* every other thread stands still: reset of the clocks */
    for (uint32_t n = 1; pool && n < pool_used; n++) {
        struct sync *s = &pool[n];
        if (s->atomic) {
            atomic_free(n);
            continue;
        }
        if (s->state == FREE) continue;
        vector_drop(&s->all);
        vector_drop(&s->readers);
        s->owner = 0;
        s->state = FULL;
        s->others = s->run = 0;
    }
}

void rt_sync_forked(void) {
    pool_lock = named_lock = vector_lock = 0;
    for (uint32_t n = 1; pool && n < pool_used; n++)
        pool[n].lock = 0;
}
