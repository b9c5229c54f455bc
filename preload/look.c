#include "look.h"

#include "cond.h"
#include "look_libc.h"
#include "use.h"

/* ---- slots ---- */

/* Said before the thread looks for the last time: of several that end together, the last to look sees all the others gone. */
static bool has_ended(const struct twatch_thread *d) {
    return __atomic_load_n(&d->end, __ATOMIC_ACQUIRE) != TWATCH_THREAD_RUNNING;
}

bool tw_look_thread(uint32_t slot, struct tw_view *v) {
    const struct twatch_slot *s = tw_thread_slot(slot);
    uint32_t thread = s ? __atomic_load_n(&s->thread, __ATOMIC_ACQUIRE) : 0;
    const struct twatch_thread *d = tw_thread_desc(thread);
    *v = (struct tw_view){0};
    if (!d || has_ended(d)) return false;
    v->thread = thread;
    v->slot = slot;
    v->tid = d->tid;
    v->alive = true;
    uint32_t seq = __atomic_load_n(&s->wait_seq, __ATOMIC_ACQUIRE);
    v->kind = s->wait_kind;
    v->mode = s->wait_mode;
    v->flags = s->wait_flags;
    v->object = s->wait_object;
    v->mutex = s->wait_mutex;
    v->joined = s->wait_thread;
    v->stack = s->wait_stack;
    v->since_ns = s->wait_since_ns;
    v->address = s->wait_address;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (seq & 1 || __atomic_load_n(&s->wait_seq, __ATOMIC_RELAXED) != seq) v->kind = 0;
    v->seq = seq;
    return true;
}

/* The slot is asked of the thread's description, which rests, not of the slot, which its owner writes all the time. */
static uint32_t slot_of(uint32_t thread, int32_t tid) {
    const struct twatch_thread *d = tw_thread_desc(thread);
    return d && d->tid == tid && !has_ended(d) ? d->slot : 0;
}

uint32_t tw_look_slot(int32_t tid) {
    static uint64_t cache[1024]; /* thread << 32 | tid */
    if (tid <= 0) return 0;
    uint64_t *home = &cache[(uint32_t)tid % 1024], entry = __atomic_load_n(home, __ATOMIC_RELAXED);
    uint32_t slot = (uint32_t)entry == (uint32_t)tid ? slot_of((uint32_t)(entry >> 32), tid) : 0;
    if (slot) return slot;
    uint32_t thread = tw_thread_by_tid(tid);
    slot = slot_of(thread, tid);
    if (slot) __atomic_store_n(home, (uint64_t)thread << 32 | (uint32_t)tid, __ATOMIC_RELAXED);
    return slot;
}

static bool readable(uintptr_t address) {
    enum { NO_SUCH_HOW = 99 };
    return tw_sys(SYS_rt_sigprocmask, NO_SUCH_HOW, address, 0, 8) ==
           -22; /* EINVAL comes after the 8 bytes were read; EFAULT otherwise */
}

/*
 * Copies the object that a thread waits for. It is there as long as the thread does wait; but the thread may have gone
 * on, or left the wait by a jump long ago. So: can it be read, does the thread still wait, and then at once. A tenth of
 * the price of process_vm_readv.
 */
static bool read_waited(const struct tw_view *v, bool own, void *to, size_t n) {
    if (!own) {
        uintptr_t first = v->address & ~(uintptr_t)7, last = (v->address + n - 1) & ~(uintptr_t)7;
        if (!readable(first) || (last / TWATCH_PAGE != first / TWATCH_PAGE && !readable(last))) return false;
        if (__atomic_load_n(&tw_thread_slot(v->slot)->wait_seq, __ATOMIC_ACQUIRE) != v->seq) return false;
    }
    tw_sys_copy(to, (const void *)v->address, n);
    return true;
}

/* ---- holders ---- */

static struct { /* what threads held when they ended */
    uint32_t n;
    struct orphan {
        uintptr_t address;
        uint32_t object, thread;
    } at[256];
} orphans;
static struct tw_lock orphan_lock;

void tw_look_orphans(const struct tw_thread *t) {
    tw_lock_take(&orphan_lock);
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        const struct twatch_held *h = &t->held[i];
        if (!h->address) continue;
        orphans.at[orphans.n % 256] = (struct orphan){h->address, h->object, t->id};
        __atomic_store_n(&orphans.n, orphans.n + 1, __ATOMIC_RELEASE);
    }
    tw_lock_give(&orphan_lock);
}

/* The thread that ended holding the object; 0 none. */
static uint32_t orphan_of(uintptr_t address, uint32_t object) {
    uint32_t n = __atomic_load_n(&orphans.n, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n && i < 256; i++)
        if (orphans.at[i].address == address && (!orphans.at[i].object || orphans.at[i].object == object))
            return orphans.at[i].thread;
    return 0;
}

bool tw_look_orphan_wanted(void) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n && orphans.n; i++) {
        struct tw_view v;
        if (tw_look_thread(i, &v) && v.kind && orphan_of(v.address, v.object)) return true;
    }
    return false;
}

static const struct twatch_held *held_entry(uint32_t slot, uintptr_t address) {
    const struct twatch_slot *s = tw_thread_slot(slot);
    const struct twatch_thread *d = s ? tw_thread_desc(s->thread) : NULL;
    const struct tw_thread *t = d && !has_ended(d) ? tw_thread_private(slot) : NULL;
    for (uint32_t i = t && s->nheld <= s->held_capacity ? s->nheld : 0; i > 0; i--)
        if (t->held[i - 1].address == address) return &t->held[i - 1];
    return NULL;
}

uint32_t tw_look_holder(
        const struct tw_scene *scene, const struct tw_view *v, uint32_t from, struct twatch_held *held) {
    uint32_t n = scene ? scene->n : tw_thread_slots();
    for (uint32_t i = from + 1; i <= n; i++) {
        const struct twatch_held *h = held_entry(i, v->address);
        if (!h || (v->mode == TWATCH_MODE_SHARED && h->mode == TWATCH_MODE_SHARED)) continue;
        if (held) *held = *h;
        return i;
    }
    return 0;
}

/* ---- needs ---- */

static void set(struct tw_view *v, enum tw_look_needs needs, uint32_t target) {
    v->needs = (uint8_t)needs;
    v->target = target;
}

/* The thread with this kernel id is in the way. */
static void need_tid(struct tw_view *v, int32_t tid) {
    uint32_t slot = tw_look_slot(tid);
    if (slot) {
        const struct twatch_slot *s = tw_thread_slot(slot);
        /* A condition wait that has just been published still has the mutex, for a moment. */
        const struct twatch_object *given_back =
                s->wait_kind == TWATCH_OBJ_COND && tid != v->tid ? tw_object_at(s->wait_mutex) : NULL;
        if (given_back && given_back->address == v->address) return;
        set(v, TW_NEEDS_ONE, slot);
        return;
    }
    uint32_t ended = orphan_of(v->address, v->object);
    const struct twatch_thread *d = tw_thread_desc(ended);
    if (!(d && d->tid == tid) && tw_sys(SYS_tgkill, tw_header->pid, tid, 0) != -3 /* ESRCH */)
        return; /* a thread that we do not know */
    set(v, TW_NEEDS_ENDED, ended);
}

static void need_mutex(struct tw_view *v, bool own) {
    struct look_mutex m;
    if (!read_waited(v, own, &m, sizeof m)) return;
    if (m.lock == 0 || m.owner == 0 || m.kind & LOOK_MUTEX_SHARED) return;
    if (m.kind & LOOK_MUTEX_ROBUST && m.lock & LOOK_OWNER_DIED) return;
    if (m.owner == v->tid && !held_entry(v->slot, v->address)) return; /* it has got it just now */
    need_tid(v, m.owner);
}

static void need_rwlock(struct tw_view *v, const struct tw_scene *scene, bool own) {
    struct look_rwlock l;
    if (!read_waited(v, own, &l, sizeof l)) return;
    if (l.shared || l.writer == v->tid) return;
    if (l.writer) {
        need_tid(v, l.writer);
        return;
    }
    bool held = l.readers >> LOOK_READER_SHIFT != 0;
    if (!held) return;
    if (v->mode == TWATCH_MODE_SHARED) {
        /* Only this kind makes readers wait for writers that wait themselves. */
        if (l.flags == LOOK_RWLOCK_PREFER_WRITER) set(v, TW_NEEDS_ALL, 0);
        return;
    }
    uint32_t ended;
    if (tw_look_holder(scene, v, 0, NULL))
        set(v, TW_NEEDS_ALL, 0);
    else if ((ended = orphan_of(v->address, v->object)) != 0)
        set(v, TW_NEEDS_ENDED, ended);
}

/* Kinds whose holder only the held entries know. */
static void need_holder(struct tw_view *v, const struct tw_scene *scene, bool own) {
    uint32_t word = 0;
    if (!read_waited(v, own, &word, sizeof word)) return;
    if (v->kind == TWATCH_OBJ_SPIN && (int32_t)word > 0) return;
    if (v->kind == TWATCH_OBJ_ONCE && word & LOOK_ONCE_DONE) return;
    if (v->kind == TWATCH_OBJ_GUARD && word & 1) return;
    uint32_t holder = tw_look_holder(scene, v, 0, NULL), ended = holder ? 0 : orphan_of(v->address, v->object);
    if (holder)
        set(v, TW_NEEDS_ONE, holder);
    else if (ended)
        set(v, TW_NEEDS_ENDED, ended);
}

static void need_join(struct tw_view *v) {
    const struct twatch_thread *d = tw_thread_desc(v->joined);
    if (!d || has_ended(d) || !d->slot) return;
    const struct twatch_slot *s = tw_thread_slot(d->slot);
    bool by_libc = v->address == d->handle; /* not by Python's own means */
    if (by_libc && s->wait_kind == TWATCH_OBJ_THREAD && s->wait_thread == v->thread) return; /* EDEADLK for one of the two */
    set(v, TW_NEEDS_ONE, d->slot);
}

/* Other threads than the caller that wait for the same thing, as far as is known. */
static uint32_t others(struct tw_scene *scene, const struct tw_view *v) {
    if (!scene) return 1;
    if (scene->last.address == v->address) return scene->last.waiters;
    uint32_t count = 0;
    for (uint32_t i = 1; i <= scene->n; i++)
        count += i != scene->self && scene->at[i].kind == v->kind && scene->at[i].address == v->address;
    scene->last.address = v->address;
    scene->last.waiters = count;
    return count;
}

/* A signal was sent through a wrapper to somebody who has not returned from the wait. */
static bool signalled_by_us(const struct tw_view *v) {
    const struct tw_cond_side *side = tw_use_side(v->object);
    return side && __atomic_load_n(&side->woken, __ATOMIC_RELAXED) != 0;
}

struct holder_search {
    uint32_t waiter, slot; /* the waiter's thread; the holder's slot */
};

static void see_permit(const struct twatch_use *use, void *arg) {
    struct holder_search *h = arg;
    const struct twatch_thread *d = use->balance > 0 && use->thread != h->waiter ? tw_thread_desc(use->thread) : NULL;
    if (d && !has_ended(d) && d->slot) h->slot = d->slot;
}

/* The thread that holds a semaphore which is used as a lock: one permit, so far given back by nobody but its taker
   (Python's Lock is made so). 0: it is used otherwise, or was not given back yet. */
static uint32_t semaphore_holder(const struct tw_view *v) {
    const struct twatch_object *o = tw_object_at(v->object);
    if (!o || o->init_value != 1 || !(o->flags & TWATCH_OBJF_SELF_POST) || o->flags & TWATCH_OBJF_FOREIGN_POST)
        return 0;
    struct holder_search h = {.waiter = v->thread};
    tw_use_each(v->object, see_permit, &h);
    return h.slot;
}

bool tw_look_crowded(const struct twatch_object *o) {
    return o && __atomic_load_n(&o->max_value, __ATOMIC_RELAXED) > o->init_value; /* threads that ever took part */
}

/*
 * A round that ended after the thread came was its own. Unless more came than the barrier is made for: then others may
 * have taken its place before it entered, and only looking again tells.
 */
static bool barrier_opens(struct tw_view *v, struct tw_scene *scene, bool own, const struct look_barrier *b) {
    if (b->shared) return true;
    if (scene && others(scene, v) + (scene->self && scene->at[scene->self].address == v->address) >= b->count) return true;
    if (own || (int32_t)(b->round - (uint32_t)tw_thread_slot(v->slot)->reserved[1]) <= 0) return false;
    if (!tw_look_crowded(tw_object_at(v->object))) return true;
    if (!scene || others(scene, v) <= b->in - b->round) return false;
    scene->moving = true;
    return true;
}

static void need_wakeup(struct tw_view *v, struct tw_scene *scene, bool own) {
    union {
        struct look_cond cond;
        struct look_sem sem;
        struct look_barrier barrier;
        uint32_t word;
    } m;
    size_t size = v->kind == TWATCH_OBJ_COND      ? sizeof m.cond
                  : v->kind == TWATCH_OBJ_SEM     ? sizeof m.sem
                  : v->kind == TWATCH_OBJ_BARRIER ? sizeof m.barrier
                                                  : 4;
    if (v->kind == TWATCH_OBJ_COND && !own && signalled_by_us(v)) {
        v->woken = true;
        set(v, TW_NEEDS_ANY, 0);
        return;
    }
    if (!read_waited(v, own, &m, size)) return;
    if (v->kind == TWATCH_OBJ_SEM && (m.sem.value != 0 || m.sem.shared)) return;
    uint32_t holder = v->kind == TWATCH_OBJ_SEM ? semaphore_holder(v) : 0;
    if (holder) {
        set(v, TW_NEEDS_ONE, holder);
        return;
    }
    if (v->kind == TWATCH_OBJ_FUTEX && m.word != (uint32_t)tw_thread_slot(v->slot)->reserved[1]) return;
    if (v->kind == TWATCH_OBJ_BARRIER && barrier_opens(v, scene, own, &m.barrier)) return;
    if (v->kind == TWATCH_OBJ_COND) {
        if (m.cond.wrefs & LOOK_COND_SHARED) return;
        bool signalled = (m.cond.signals[0] | m.cond.signals[1]) >> 1 != 0;
        /* Fewer than have said that they wait: one was woken; or has not entered yet, so what we saw of signals comes first. */
        bool left = !tw_use_side(v->object) && others(scene, v) > m.cond.wrefs >> LOOK_COND_WREFS_SHIFT;
        v->woken = !own && (signalled || left);
    }
    set(v, TW_NEEDS_ANY, 0);
}

/* A waiter that was woken goes on to the mutex it gave back: from here on it waits for that. */
void tw_look_woken(struct tw_view *v) {
    const struct twatch_object *o = tw_object_at(v->mutex);
    set(v, TW_NEEDS_NOTHING, 0);
    if (!o) return;
    v->kind = TWATCH_OBJ_MUTEX;
    v->mode = TWATCH_MODE_EXCLUSIVE;
    v->object = v->mutex;
    v->address = o->address;
    need_mutex(v, false);
}

/* Asked to end, and in a wait, or about to begin one, that is a cancellation point. */
static bool is_cancelled(const struct tw_view *v) {
    if (v->kind != TWATCH_OBJ_COND && v->kind != TWATCH_OBJ_SEM && v->kind != TWATCH_OBJ_THREAD) return false;
    const struct twatch_thread *d = tw_thread_desc(v->thread);
    return d && d->flags & TWATCH_THREAD_CANCEL_SENT;
}

void tw_look_need(struct tw_view *v, struct tw_scene *scene, bool own) {
    set(v, TW_NEEDS_NOTHING, 0);
    if (v->flags & (TWATCH_WAIT_TIMED | TWATCH_WAIT_POLL | TWATCH_WAIT_SHARED) || is_cancelled(v)) return;
    switch (v->kind) {
    case TWATCH_OBJ_MUTEX:
        need_mutex(v, own);
        break;
    case TWATCH_OBJ_RWLOCK:
        need_rwlock(v, scene, own);
        break;
    case TWATCH_OBJ_SPIN:
    case TWATCH_OBJ_ONCE:
    case TWATCH_OBJ_GUARD:
        need_holder(v, scene, own);
        break;
    case TWATCH_OBJ_THREAD:
        need_join(v);
        break;
    case TWATCH_OBJ_SEM:
    case TWATCH_OBJ_COND:
    case TWATCH_OBJ_BARRIER:
    case TWATCH_OBJ_FUTEX:
        need_wakeup(v, scene, own);
        break;
    default:
        break;
    }
}

/* ---- the fixpoint ---- */

/* TW_NEEDS_ALL: all holders alive; for a reader behind queued writers, all of those. */
static bool all_alive(const struct tw_scene *scene, const struct tw_view *v) {
    for (uint32_t i = tw_look_holder(scene, v, 0, NULL); i; i = tw_look_holder(scene, v, i, NULL))
        if (!scene->at[i].alive) return false;
    for (uint32_t i = 1; v->mode == TWATCH_MODE_SHARED && i <= scene->n; i++) {
        const struct tw_view *w = &scene->at[i];
        if (w->thread && !w->alive && w->kind == TWATCH_OBJ_RWLOCK && w->mode == TWATCH_MODE_EXCLUSIVE &&
                w->address == v->address)
            return false;
    }
    return true;
}

static bool can_go_on(const struct tw_scene *scene, const struct tw_view *v) {
    switch (v->needs) {
    case TW_NEEDS_ONE:
        return v->target > scene->n || scene->at[v->target].alive; /* a thread that is new is running */
    case TW_NEEDS_ALL:
        return all_alive(scene, v);
    case TW_NEEDS_ANY:
        return scene->any_alive;
    case TW_NEEDS_ENDED:
        return false;
    default:
        return true;
    }
}

/* Greatest set of threads none of which can go on unless another of the set does: the complement grows from those that
 * run. */
void tw_look_settle(struct tw_scene *scene) {
    scene->live = scene->dead = 0;
    scene->any_alive = scene->partial;
    for (uint32_t i = 1; i <= scene->n; i++) {
        struct tw_view *v = &scene->at[i];
        if (!v->thread) continue;
        scene->live++;
        v->alive = v->needs == TW_NEEDS_NOTHING;
        scene->any_alive |= v->alive;
    }
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 1; i <= scene->n; i++) {
            struct tw_view *v = &scene->at[i];
            if (!v->thread || v->alive || !can_go_on(scene, v)) continue;
            v->alive = scene->any_alive = again = true;
        }
    }
    for (uint32_t i = 1; i <= scene->n; i++)
        scene->dead += scene->at[i].thread && !scene->at[i].alive;
}

static struct tw_view first_room[257];
static struct tw_view *room = first_room;
uint32_t tw_look_room = sizeof first_room / sizeof first_room[0] - 1;

void tw_look_reserve(void) {
    uint32_t want = tw_thread_slots() * 2;
    struct tw_view *more = want > tw_look_room ? tw_sys_pages((want + 1) * sizeof *more) : NULL;
    if (!more) return;
    if (room != first_room) tw_sys(SYS_munmap, room, (tw_look_room + 1) * sizeof *room);
    room = more;
    tw_look_room = want;
}

void tw_look(struct tw_scene *scene, uint32_t self) {
    uint32_t n = tw_thread_slots();
    if (n > tw_look_room) tw_look_reserve();
    *scene = (struct tw_scene){.at = room, .n = n > tw_look_room ? tw_look_room : n, .self = self};
    scene->partial = scene->n < n;
    n = scene->n;
    for (uint32_t i = 1; i <= n; i++) {
        if (!tw_look_thread(i, &room[i])) scene->leaving += tw_thread_slot(i)->thread != 0;
    }
    for (uint32_t i = 1; i <= n; i++)
        if (room[i].thread) tw_look_need(&room[i], scene, i == self);
    /* Second: the needs of those that were woken change their kind, which the first pass counts by. */
    for (uint32_t i = 1; i <= n; i++)
        if (room[i].woken) tw_look_woken(&room[i]);
    tw_look_settle(scene);
}

void tw_look_forked(void) {
    orphans.n = 0;
    orphan_lock = (struct tw_lock){0};
}
