#include "held.h"

#include "deps.h"
#include "incident.h"

/* The thread's own cache of (address, call site): direct-mapped. */
static struct tw_site *site_of(struct tw_thread *t, uintptr_t address, uintptr_t pc) {
    return &t->sites[((address >> 3) ^ (pc << 2) ^ (address >> 10)) & (TW_SITES - 1)];
}

static void flush_site(struct tw_site *s) {
    struct twatch_object *o = s->count ? tw_object_at(s->object) : NULL;
    if (o) __atomic_fetch_add(&o->acquisitions, s->count, __ATOMIC_RELAXED);
    s->count = 0;
}

/* First sight, or the cache entry was lost. A destroyed object that can be locked again was given a new life without an init call. */
static TW_NOINLINE uint32_t site_miss(struct tw_thread *t, struct tw_site *s, const struct tw_acquire *a) {
    uint32_t epoch = tw_object_epoch; /* before the look-up: a death after it must be seen */
    bool known = s->address == a->address && s->pc == a->pc;
    flush_site(s);
    uint32_t id = tw_object_find(a->address);
    struct twatch_object *o = tw_object_at(id);
    bool reborn = o && o->flags & TWATCH_OBJF_DESTROYED;
    if (!o || o->kind != a->kind || reborn) {
        uint32_t stack = tw_stack_here(t, a->pc, a->cfa);
        /* glibc refuses a destroyed mutex by itself; of the others, one that was initialised by a call and then destroyed has no business here */
        if (reborn && a->kind != TWATCH_OBJ_MUTEX && o->flags & TWATCH_OBJF_INIT_SEEN)
            tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_USE_AFTER_DESTROY, .object = id, .stack = stack, .other_stack = o->destroy_stack});
        if (reborn) tw_object_range_dead(a->address, a->address + 1, NULL, NULL);
        id = tw_object_get(a->address, a->kind, a->type, a->oflags, a->pc, stack, t->id);
        known = false;
    }
    s->address = a->address;
    s->pc = a->pc;
    s->object = id;
    s->epoch = epoch;
    s->thread = t->id;
    if (!known) s->quiet = s->flags = 0;
    return id;
}

/* More than the slot's inline entries: the array moves to a chunk of its own, doubled each time. */
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

static void push(struct tw_thread *t, struct twatch_held *entry, uintptr_t cfa) {
    struct twatch_slot *slot = t->slot;
    uint32_t n = slot->nheld;
    if (n > 0) tw_deps_record(t, entry, cfa);
    if (TW_UNLIKELY(n == slot->held_capacity) && !grow_held(t)) {
        tw_store_loss(TWATCH_LOSS_DEPENDENCY, 1);
        return;
    }
    t->held[n] = *entry;
    __atomic_store_n(&slot->nheld, n + 1, __ATOMIC_RELEASE); /* after the entry: a reader of the record may come at any moment */
}

uint32_t tw_held_push(struct tw_thread *t, const struct tw_acquire *a) {
    struct tw_site *s = site_of(t, a->address, a->pc);
    if (TW_UNLIKELY(s->address != a->address || s->pc != a->pc || s->epoch != tw_object_epoch)) site_miss(t, s, a);
    s->count++;
    if (t->slot->nheld > 0 && (a->type == TWATCH_TYPE_RECURSIVE || a->mode == TWATCH_MODE_SHARED)) {
        struct twatch_held *again = tw_held_find(t, a->address);
        if (again) {
            again->recursion++;
            return s->object;
        }
    }
    struct twatch_held entry = {.address = a->address, .object = s->object, .site = a->pc, .mode = a->mode, .flags = a->flags};
    if (s->flags || s->quiet < TW_SITE_QUIET) {
        s->quiet++;
        entry.stack = tw_stack_here(t, a->pc, a->cfa);
    }
    push(t, &entry, a->cfa);
    return entry.object;
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
    if (h->recursion > 0)
        h->recursion--;
    else
        remove_entry(t, h);
    return true;
}

bool tw_held_take(struct tw_thread *t, uintptr_t address, struct twatch_held *saved) {
    struct twatch_held *h = tw_held_find(t, address);
    if (!h) return false;
    *saved = *h;
    remove_entry(t, h);
    return true;
}

void tw_held_restore(struct tw_thread *t, const struct twatch_held *saved, uint8_t kind, uintptr_t pc, uintptr_t cfa) {
    (void)kind;
    struct twatch_held entry = *saved;
    entry.flags &= (uint8_t)~TWATCH_HELD_DEPPED;
    entry.site = pc;
    entry.stack = t->slot->nheld > 0 || saved->stack ? tw_stack_here(t, pc, cfa) : 0;
    push(t, &entry, cfa);
}

void tw_held_flush(struct tw_thread *t) {
    for (uint32_t i = 0; i < TW_SITES; i++) flush_site(&t->sites[i]);
}
