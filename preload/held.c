/*
 * The fast path: a busy site (seen TW_SITE_QUIET times), nothing else held: the entry is pushed with address, site and stack position, and that is all.
 * The object id is looked up and the stack found when somebody needs them: when an inner lock is taken, at a wait, at the end. Acquisitions are then counted by
 * sampling: one in TW_SITE_SAMPLE stands for all.
 *
 * The stack of a lock taken earlier can be found again while the function that took it still runs: the cache entry's outer return addresses still stand, or
 * unwinding from here comes by the same frame. When it cannot (a lock taken by a helper function that has returned), the site is marked eager, and its
 * stacks are captured at once from then on.
 */
#include "held.h"

#include "interval.h"
#include "python.h"

static struct tw_site *site_of(struct tw_thread *t, uintptr_t pc) { return &t->sites[tw_held_site_index(pc)]; }

static struct tw_known *known_of(struct tw_thread *t, uintptr_t address) {
    return &t->known[((address >> 3) ^ (address >> 10)) & (TW_KNOWN - 1)];
}

/*
 * A lock in a stack frame dies with the frame, which nobody tells us. So the object remembers the frame: where its return address stands
 * (distance in words) and what it was (`init_value2`); when that has changed, the address is another lock's.
 */
static uint32_t *frame_distance(struct twatch_object *o) { return tw_object_is_lock(o) ? &o->init_value : &o->links; }

static void remember_frame(struct tw_thread *t, uint32_t id, const struct tw_acquire *a) {
    struct twatch_object *o = tw_object_at(id);
    if (!o || a->kind == TWATCH_OBJ_SEM || !a->cfa || a->address < a->cfa || a->address >= t->stack_hi) return;
    uintptr_t slot = tw_stack_slot_above(t, a->pc, a->cfa, a->address);
    if (!slot) return;
    *frame_distance(o) = (uint32_t)((slot - a->address) / 8);
    o->init_value2 = (uint32_t)*(const uint64_t *)slot;
    o->flags |= TWATCH_OBJF_STACK;
}

static bool frame_gone(struct twatch_object *o) {
    if (!(o->flags & TWATCH_OBJF_STACK) || o->kind == TWATCH_OBJ_SEM) return false;
    const uint64_t *slot = (const uint64_t *)((o->address & ~(uint64_t)7) + 8ull * *frame_distance(o));
    return !tw_sys_readable(slot, 8) || (uint32_t)*slot != o->init_value2;
}

/* A destroyed object that can be locked again was given a new life without an init call. */
static TW_NOINLINE uint32_t look_up(struct tw_thread *t, const struct tw_acquire *a) {
    struct tw_known *k = known_of(t, a->address);
    uint32_t epoch = tw_object_epoch; /* before the look-up: a death after it must be seen */
    uint32_t id = tw_object_find(a->address);
    struct twatch_object *o = tw_object_at(id);
    bool reborn = o && (o->flags & TWATCH_OBJF_DESTROYED || frame_gone(o));
    if (!o || o->kind != a->kind || reborn) {
        uint32_t stack = a->cfa ? tw_stack_here(t, a->pc, a->cfa) : 0;
        if (reborn) tw_object_range_dead(a->address, a->address + 1, NULL, NULL);
        id = tw_object_get(a->address, a->kind, a->type, a->oflags, a->pc, stack, t->id);
        remember_frame(t, id, a);
    }
    if (a->address >= t->stack_lo && a->address < t->stack_hi && (t->lowest_object == 0 || a->address < t->lowest_object))
        t->lowest_object = a->address;
    tw_object_touch(id, t->id);
    *k = (struct tw_known){.address = a->address, .object = id, .epoch = epoch, .thread = t->id, .pc = a->pc};
    return id;
}

static inline uint32_t id_of(struct tw_thread *t, const struct tw_acquire *a) {
    const struct tw_known *k = known_of(t, a->address);
    return TW_LIKELY(k->address == a->address && k->epoch == tw_object_epoch) ? k->object : look_up(t, a);
}

static uint32_t depth_of(const struct tw_thread *t, uintptr_t cfa) {
    return cfa && cfa < t->stack_hi ? (uint32_t)((t->stack_hi - cfa) >> 3) : 0;
}

static void count(uint32_t id, uint32_t n) {
    struct twatch_object *o = tw_object_at(id);
    if (o) __atomic_fetch_add(&o->acquisitions, n, __ATOMIC_RELAXED);
}

uint32_t tw_held_resolve(struct tw_thread *t, struct twatch_held *h) {
    if (h->object) return h->object;
    return h->object = id_of(t, &(struct tw_acquire){.address = h->address, .kind = (uint8_t)tw_held_kind(h), .pc = h->site});
}

uint32_t tw_held_stack(struct tw_thread *t, struct twatch_held *h) {
    if (h->stack) return h->stack;
    uintptr_t cfa = t->stack_hi - 8ull * h->depth; /* what is not on this thread's own stack is not found again */
    if (h->depth && cfa >= t->stack_lo && cfa < t->stack_hi) h->stack = tw_stack_again(t, h->site, cfa);
    if (!h->stack) {
        struct tw_site *s = site_of(t, h->site);
        if (s->pc == h->site) s->eager = 1, s->tick = 0;
        uint64_t frame = h->site;
        h->stack = tw_stack_intern(&frame, 1, TWATCH_STACK_SITE | TWATCH_STACK_CUT);
        h->flags |= TWATCH_HELD_SITE_ONLY;
    }
    return h->stack;
}

/* More than the slot's inline entries: the array moves to a chunk of its own, four times as large each time. */
static TW_NOINLINE bool grow_held(struct tw_thread *t) {
    struct twatch_slot *slot = t->slot;
    uint32_t room = slot->held_capacity * 4;
    struct twatch_chunk *c = tw_store_chunk(TWATCH_CHUNK_HELD, sizeof(struct twatch_held), room * sizeof(struct twatch_held), 1, t->id);
    if (!c) return false;
    struct twatch_held *bigger = (struct twatch_held *)(void *)(c + 1);
    tw_sys_copy(bigger, t->held, slot->nheld * sizeof *bigger);
    c->used = room * (uint32_t)sizeof *bigger;
    slot->held_offset = tw_store_offset(bigger);
    slot->held_capacity = room;
    __atomic_store_n(&t->held, bigger, __ATOMIC_RELEASE);
    return true;
}

static inline void push(struct tw_thread *t, const struct twatch_held *entry) {
    struct twatch_slot *slot = t->slot;
    uint32_t n = slot->nheld;
    if (TW_UNLIKELY(n == slot->held_capacity) && !grow_held(t)) {
        tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
        return;
    }
    t->held[n] = *entry;
    slot->ops++;
    __atomic_store_n(&slot->nheld, n + 1, __ATOMIC_RELEASE); /* after the entry: a reader of the record may come at any moment */
}

static void clock_top(struct tw_thread *t, uintptr_t address) {
    struct twatch_held *top = t->slot->nheld ? &t->held[t->slot->nheld - 1] : NULL;
    if (top && top->address == address) tw_interval_clock(t, top, tw_sys_now(), 0, NULL);
}

/* A new site, a sample, or a lock inside another. */
static __attribute__((noinline)) uint32_t push_slow(struct tw_thread *t, const struct tw_acquire *a, struct tw_site *s, struct twatch_held *entry) {
    /* All locks of a Python program are taken at one native site, and its Python frames cannot be found again later. */
    if (s->pc != a->pc) *s = (struct tw_site){.pc = a->pc, .eager = tw_python_active() != 0};
    if (s->tick < 0) s->tick = 0;
    if (s->seen == TW_SITE_QUIET && t->slot->nheld == 0 && !s->eager) { /* a sample; what nobody has asked about yet stays without an id */
        s->tick = TW_SITE_SAMPLE - 1;
        entry->object = tw_object_find(a->address);
        if (entry->object) count(entry->object, TW_SITE_SAMPLE);
        push(t, entry);
        clock_top(t, a->address);
        return entry->object;
    }
    entry->object = id_of(t, a);
    if (t->slot->nheld > 0 && (a->type == TWATCH_TYPE_RECURSIVE || a->mode == TWATCH_MODE_SHARED)) {
        struct twatch_held *again = tw_held_find(t, a->address);
        if (again) {
            again->recursion++;
            return entry->object;
        }
    }
    bool clocked = s->seen < TW_SITE_QUIET || (s->eager && t->slot->ops % TW_SITE_QUIET == 0);
    if (s->seen < TW_SITE_QUIET) {
        if (++s->seen == TW_SITE_QUIET && !s->eager) s->tick = TW_SITE_SAMPLE - 1;
        count(entry->object, 1);
        entry->stack = tw_stack_here(t, a->pc, a->cfa);
    } else if (s->eager) {
        count(entry->object, 1);
        entry->stack = tw_stack_here(t, a->pc, a->cfa);
    } else if (s->tick-- == 0) {
        s->tick = TW_SITE_SAMPLE - 1;
        count(entry->object, TW_SITE_SAMPLE);
        clocked = true;
    }
    if (t->slot->nheld > 0) tw_deps_record(t, entry, a->cfa);
    push(t, entry);
    if (clocked) clock_top(t, a->address);
    return entry->object;
}

uint32_t tw_held_push(struct tw_thread *t, const struct tw_acquire *a) {
    uint8_t tags = (uint8_t)(a->flags | a->kind << TWATCH_HELD_KIND_SHIFT);
    if (a->cfa && tw_held_push_quick(t, a->address, tags, a->mode, a->pc, a->cfa)) return 0;
    struct twatch_held entry = {.address = a->address, .site = a->pc, .mode = a->mode, .flags = tags, .depth = depth_of(t, a->cfa)};
    return push_slow(t, a, site_of(t, a->pc), &entry);
}

bool tw_held_push_again(struct tw_thread *t, uintptr_t address, uint8_t tags, uint8_t mode, uintptr_t pc, uintptr_t cfa) {
    return tw_held_push_inner(t, tw_deps_ask(t, address, tags, mode, pc), address, tags, mode, pc, cfa);
}

struct twatch_held *tw_held_find(struct tw_thread *t, uintptr_t address) {
    for (uint32_t i = t->slot->nheld; i-- > 0;)
        if (t->held[i].address == address) return &t->held[i];
    return NULL;
}

/* Locks need not be given back in the order of taking: what is above moves down, so that hand-over-hand locking does not pile up holes. */
static void remove_entry(struct tw_thread *t, struct twatch_held *h) {
    struct twatch_held *top = &t->held[t->slot->nheld - 1];
    for (; h < top; h++) *h = h[1];
    __atomic_store_n(&t->slot->nheld, t->slot->nheld - 1, __ATOMIC_RELEASE);
}

bool tw_held_pop(struct tw_thread *t, uintptr_t address) {
    struct twatch_held *h = tw_held_find(t, address);
    if (!h) return false;
    if (h->recursion & TWATCH_HELD_RECURSION) {
        h->recursion--;
    } else {
        if (h->recursion) tw_interval_released(t, h);
        remove_entry(t, h);
    }
    return true;
}

bool tw_held_take(struct tw_thread *t, uintptr_t address, struct twatch_held *saved) {
    struct twatch_held *h = tw_held_find(t, address);
    if (!h) return false;
    if (h->recursion & TWATCH_HELD_CLOCKED) tw_interval_released(t, h);
    *saved = *h;
    remove_entry(t, h);
    return true;
}

void tw_held_restore(struct tw_thread *t, const struct twatch_held *saved, uint8_t kind, uintptr_t pc, uintptr_t cfa) {
    struct twatch_held entry = *saved;
    entry.flags = (uint8_t)((saved->flags & (TWATCH_HELD_TRY | TWATCH_HELD_TIMED)) | kind << TWATCH_HELD_KIND_SHIFT);
    entry.site = pc;
    entry.stack = 0;
    entry.depth = depth_of(t, cfa);
    if (t->slot->nheld > 0) {
        tw_held_resolve(t, &entry);
        tw_deps_record(t, &entry, cfa);
    }
    push(t, &entry);
}
