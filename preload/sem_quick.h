/*
 * The shortest way through a semaphore that is a lock: one that was initialised with one permit, and that its taker
 * gives back. Only numbers are changed here that the thread alone writes; whatever is unusual takes the long way in
 * wrap_sem.c. All return false when nothing was done.
 */
#ifndef TW_SEM_QUICK_H
#define TW_SEM_QUICK_H

#include <semaphore.h>

#include "held.h"
#include "race/hooks.h"
#include "use.h"
#include "waits.h"

/* The entry of a live semaphore with one permit that nobody has used as a signal; NULL: it is something else, or not
 * known well. */
static inline struct tw_use_entry *tw_sem_lock_entry(struct tw_thread *t, uintptr_t address) {
    enum {
        ASKED = TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_SELF_POST | TWATCH_OBJF_DEAD | TWATCH_OBJF_DESTROYED |
                TWATCH_OBJF_FOREIGN_POST | TWATCH_OBJF_PSHARED | TWATCH_OBJF_NAMED
    };
    struct tw_use_entry *e = &t->uses[(address >> 3 ^ address >> 9) % TW_USES];
    if (TW_UNLIKELY(e->address != address || !tw_use_same(e))) return NULL;
    const struct twatch_object *o = e->o;
    return (o->flags & ASKED) == (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_SELF_POST) && o->init_value == 1 ? e : NULL;
}

/* Nothing that another thread could ever want is held, as far as one look can tell: nothing at all, or the lock that a
   Python thread holds for its joiners all its life (see deps.c). */
static inline bool tw_sem_holds_nothing_shared(const struct tw_thread *t) {
    static __thread struct {
        const struct twatch_object *o;
        uint32_t id, epoch; /* a fork, after which ids begin anew, changes the epoch too */
    } below __attribute__((tls_model("initial-exec")));
    if (t->slot->nheld != 1) return t->slot->nheld == 0;
    uint32_t id = t->held[0].object, epoch = tw_object_epoch;
    if (TW_UNLIKELY(below.id != id || below.epoch != epoch)) {
        below.o = tw_object_at(id);
        below.id = id;
        below.epoch = epoch;
    }
    const struct twatch_object *o = below.o;
    return o && o->creator == t->id &&
           (o->flags & (TWATCH_OBJF_INIT_SEEN | TWATCH_OBJF_SHARED)) == TWATCH_OBJF_INIT_SEEN;
}

/* This acquisition stands for TW_SITE_SAMPLE of them: the others took the short way. */
static inline bool tw_sem_sampled(const struct tw_thread *t, const struct tw_use_entry *e) {
    return e->use->waits > TW_SITE_QUIET && t->slot->ops % TW_SITE_SAMPLE == 0;
}

/*
 * After the interpreter took it. All locks of a Python program are taken by one call in the interpreter, and its frames
 * cannot be found again once the line has gone on, so that each entry gets its stack at once, from the cache. The first
 * acquisitions by each thread, a sample of the others, and what is taken inside another lock go the long way.
 */
static inline bool tw_sem_taken_quick(uintptr_t address, uint8_t flags, uintptr_t pc, uintptr_t cfa, uint64_t print) {
    struct tw_thread *t = tw_enter();
    if (TW_UNLIKELY(!t)) return false;
    struct twatch_slot *slot = t->slot;
    struct tw_use_entry *e = tw_sem_lock_entry(t, address);
    uint32_t n = slot->nheld;
    const struct twatch_stack *stack;
    if (TW_UNLIKELY(!e || e->use->waits < TW_SITE_QUIET || slot->ops % TW_SITE_SAMPLE == 0 || n == slot->held_capacity ||
                    !tw_sem_holds_nothing_shared(t) || !(stack = tw_stack_python(t, pc, cfa, print)))) {
        tw_leave(t);
        return false;
    }
    e->use->waits++;
    e->use->balance++;
    struct twatch_held *h = &t->held[n];
    h->address = address;
    h->object = e->object;
    h->stack = stack->id;
    h->site = pc;
    h->mode = TWATCH_MODE_EXCLUSIVE;
    h->flags = (uint8_t)(flags | TWATCH_OBJ_SEM << TWATCH_HELD_KIND_SHIFT);
    h->recursion = 0;
    h->depth = (uint32_t)((t->stack_hi - cfa) >> 3);
    slot->ops++;
    __atomic_store_n(&slot->nheld, n + 1, __ATOMIC_RELEASE);
    if (TW_UNLIKELY(stack->flags & TWATCH_STACK_ASKS)) tw_wait_asked(t, e->object, stack->id);
    if (TW_UNLIKELY(tw_race != NULL)) tw_race->acquire(address);
    tw_leave(t);
    return true;
}

/* After a program took it, with nothing else held. The first acquisition of each thread goes the long way. */
static inline bool tw_sem_lock_taken_quick(uintptr_t address, uint8_t flags, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (TW_UNLIKELY(!t)) return false;
    struct tw_use_entry *e = tw_sem_lock_entry(t, address);
    const uint8_t tags = (uint8_t)(flags | TWATCH_OBJ_SEM << TWATCH_HELD_KIND_SHIFT);
    bool quick = e && e->use->wait_stack && tw_held_push_quick(t, address, tags, TWATCH_MODE_EXCLUSIVE, pc, cfa);
    if (TW_LIKELY(quick)) {
        t->held[0].object = e->object; /* known here: the address may be another's when it is asked for */
        e->use->waits++;
        e->use->balance++;
        if (TW_UNLIKELY(tw_race != NULL)) tw_race->acquire(address);
    }
    tw_leave(t);
    return quick;
}

/* Before its permit is given back by the thread that took it, and took nothing else since. */
static inline bool tw_sem_given_quick(const sem_t *s) {
    struct tw_thread *t = tw_enter();
    if (TW_UNLIKELY(!t)) return false;
    struct tw_use_entry *e = tw_sem_lock_entry(t, (uintptr_t)s);
    bool mine = e && e->use->balance > 0 && e->use->post_stack && tw_held_pop_quick(t, (uintptr_t)s);
    if (TW_LIKELY(mine)) {
        e->use->balance--;
        e->use->posts++;
        if (TW_UNLIKELY(tw_race != NULL)) tw_race->release((uintptr_t)s);
    }
    tw_leave(t);
    return mine;
}

#endif
