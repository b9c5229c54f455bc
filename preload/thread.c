#include "thread.h"

#include "config.h"
#include "deps.h"
#include "held.h"
#include "object.h"
#include "incident.h"
#include "init.h"
#include "interval.h"
#include "key.h"
#include "race/hooks.h"
#include "real.h"
#include "waits.h"

__thread struct tw_thread *tw_self __attribute__((tls_model("initial-exec")));
static __thread bool attaching __attribute__((tls_model("initial-exec")));

struct tw_switch tw_live_page __attribute__((aligned(TWATCH_PAGE)));

/* What tw_self points to after a thread's last destructor: nothing is recorded any more. */
static struct tw_thread after_end = {.busy = 1, .ended = true};

static struct tw_table threads = TW_TABLE(TWATCH_CHUNK_THREAD, struct twatch_thread, 4);
static struct tw_table slots = TW_TABLE(TWATCH_CHUNK_SLOT, struct twatch_slot, 4);
static struct tw_lock lock;          /* the two free lists */
static struct tw_thread *free_list;  /* each keeps its slot */
static pthread_key_t end_key;
static bool have_end_key;

struct twatch_thread *tw_thread_desc(uint32_t id) { return tw_table_at(&threads, id); }
uint32_t tw_thread_slots(void) { return __atomic_load_n(&slots.count, __ATOMIC_ACQUIRE); }
struct twatch_slot *tw_thread_slot(uint32_t slot_id) { return tw_table_at(&slots, slot_id); }

/* The private half of a slot; reserved[0] of the slot holds its address, which means nothing to a reader of the record. */
struct tw_thread *tw_thread_private(uint32_t slot_id) {
    struct twatch_slot *s = tw_thread_slot(slot_id);
    return s ? (struct tw_thread *)(uintptr_t)s->reserved[0] : NULL;
}

static const struct twatch_held *held_of(const struct twatch_slot *s) {
    struct tw_thread *t = (struct tw_thread *)(uintptr_t)s->reserved[0];
    return t ? t->held : s->held;
}

uint32_t tw_thread_holder(uintptr_t address, struct twatch_held *entry) {
    uint32_t found = 0;
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        uint32_t id = s ? s->thread : 0;
        if (id == 0) continue;
        const struct twatch_held *h = held_of(s);
        for (uint32_t k = 0; k < s->nheld; k++) {
            if (h[k].address != address) continue;
            if (entry) *entry = h[k];
            if (h[k].mode == TWATCH_MODE_EXCLUSIVE) return id;
            found = id;
        }
    }
    return found;
}

/* Leaves an empty entry: only its own thread may move the others. */
void tw_thread_drop_held(uintptr_t address) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        if (!s || !s->thread) continue;
        struct twatch_held *h = (struct twatch_held *)(uintptr_t)held_of(s);
        for (uint32_t k = 0; k < s->nheld; k++)
            if (h[k].address == address) __atomic_store_n(&h[k].address, 0, __ATOMIC_RELEASE);
    }
}

uint32_t tw_thread_by_tid(int tid) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        const struct twatch_thread *d = s && s->thread ? tw_thread_desc(s->thread) : NULL;
        if (d && d->tid == tid) return s->thread;
    }
    return 0;
}

uint32_t tw_thread_waiter(uintptr_t address, uint32_t *stack) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        if (!s || !s->thread || !s->wait_kind || s->wait_address != address) continue;
        if (stack) *stack = s->wait_stack;
        return s->thread;
    }
    return 0;
}

uint32_t tw_thread_by_handle(uint64_t handle) {
    for (uint32_t id = __atomic_load_n(&threads.count, __ATOMIC_ACQUIRE); id > 0; id--) {
        const struct twatch_thread *d = tw_thread_desc(id);
        if (d->handle == handle && d->end != TWATCH_THREAD_NOT_STARTED) return id;
    }
    return 0;
}

void tw_thread_next_segment(struct tw_thread *t) {
    if (t->desc) t->desc->segment++;
}

/* ---- birth ---- */

static struct tw_thread *new_private(void) {
    tw_lock_take(&lock);
    struct tw_thread *t = free_list;
    if (t) free_list = t->next;
    tw_lock_give(&lock);
    if (t) return t;
    t = tw_sys_memory(sizeof *t);
    if (!t) {
        tw_store_loss(TWATCH_LOSS_MEMORY, 1);
        return NULL;
    }
    t->slot = tw_table_new(&slots, &t->slot_id, TWATCH_LOSS_THREAD);
    if (!t->slot) return NULL;
    t->slot->reserved[0] = (uintptr_t)t;
    t->slot->held_offset = tw_store_offset(t->slot->held);
    t->slot->held_capacity = TWATCH_SLOT_HELD;
    t->held = t->slot->held;
    return t;
}

uint32_t tw_thread_prepare(struct tw_thread *creator, uintptr_t start_routine, uint32_t stack, uint32_t flags) {
    uint32_t id;
    struct twatch_thread *d = tw_table_new(&threads, &id, TWATCH_LOSS_THREAD);
    if (!d) return 0;
    d->flags = flags;
    d->start_routine = start_routine;
    d->create_stack = stack;
    d->segment = 1;
    d->birth_ns = tw_sys_now();
    if (creator && creator->desc) {
        d->parent = creator->id;
        d->ordinal = ++creator->desc->nchildren;
        d->parent_segment = creator->desc->segment;
        tw_thread_next_segment(creator); /* what the creator does from here on is not before the child */
    }
    __atomic_store_n(&tw_header->nthreads, id, __ATOMIC_RELAXED);
    return id;
}

static void *own_stack_top(void) { return (void *)pthread_self(); } /* glibc puts the thread block at the top of the stack */

static struct tw_thread *attach(uint32_t id, uintptr_t stack_lo, uintptr_t stack_hi) {
    struct tw_thread *t = new_private();
    struct twatch_thread *d = tw_thread_desc(id);
    if (!t || !d) return NULL;
    t->id = id;
    t->desc = d;
    t->tid = tw_sys_tid();
    t->stack_lo = stack_lo;
    t->stack_hi = stack_hi;
    t->ended = t->exiting = t->returned = false;
    t->end_rounds = 0;
    t->poll_pc = 0;
    tw_sys_zero(t->uses, sizeof t->uses);
    tw_interval_thread_began(t);
    d->tid = t->tid;
    d->slot = t->slot_id;
    d->handle = (uint64_t)pthread_self();
    d->stack_lo = stack_lo;
    d->stack_hi = stack_hi;
    t->slot->nheld = 0;
    __atomic_store_n(&t->slot->thread, id, __ATOMIC_RELEASE);
    if (have_end_key) TW_REAL(pthread_setspecific)(end_key, t);
    return t;
}

/* A signal handler ran in the new thread before its first line did, and attached it as a stranger: that identity is given up. */
static void forget_stranger(struct tw_thread *t) {
    t->busy = 1;
    tw_self = NULL;
    t->desc->end = TWATCH_THREAD_NOT_STARTED;
    t->desc->slot = 0;
    t->slot->nheld = 0;
    __atomic_store_n(&t->slot->thread, 0, __ATOMIC_RELEASE);
    tw_lock_take(&lock);
    t->next = free_list;
    free_list = t;
    tw_lock_give(&lock);
}

void tw_thread_begin(uint32_t id, size_t stack_size) {
    attaching = true;
    if (tw_self) forget_stranger(tw_self);
    uintptr_t hi = (uintptr_t)own_stack_top();
    struct tw_thread *t = attach(id, hi - stack_size, hi);
    if (t) {
        t->busy = 1;
        tw_self = t;
        if (tw_race) tw_race->start(id, t->stack_lo, t->stack_hi);
        t->busy = 0;
    }
    attaching = false;
}

static struct tw_thread *attach_foreign(void) {
    if (attaching) return NULL;
    attaching = true;
    uint32_t id = tw_thread_prepare(NULL, 0, 0, TWATCH_THREAD_FOREIGN);
    struct tw_thread *t = id ? attach(id, 0, 0) : NULL;
    if (t) t->busy = 1, tw_self = t;
    attaching = false;
    return t;
}

struct tw_thread *tw_enter_slow(void) {
    if (!tw_live->on && !tw_init_restart()) return NULL;
    struct tw_thread *t = tw_self;
    if (!t) return attach_foreign();
    if (t->busy || t->ended) return NULL;
    t->busy = 1;
    return t;
}

/* ---- end ---- */

static void report_held(struct tw_thread *t) {
    for (uint32_t i = 0; i < t->slot->nheld; i++) {
        struct twatch_held *h = &t->held[i];
        const struct twatch_object *o = h->address ? tw_object_at(tw_held_resolve(t, h)) : NULL;
        if (!o || o->flags & TWATCH_OBJF_ROBUST) continue; /* a robust mutex is made for owners that end */
        if (o->kind != TWATCH_OBJ_MUTEX && o->kind != TWATCH_OBJ_RWLOCK && o->kind != TWATCH_OBJ_SPIN) continue;
        tw_incident(t, &(struct tw_incident){.kind = TWATCH_INCIDENT_LOCK_HELD_AT_THREAD_EXIT, .object = h->object, .stack = tw_held_stack(t, h),
                               .other_thread = t->id, .other_stack = t->desc->end_stack, .aux = h->mode});
    }
}

void tw_thread_end(struct tw_thread *t) {
    struct twatch_thread *d = t->desc;
    struct { long s, ns; } cpu = {0, 0};
    tw_sys(SYS_clock_gettime, 3 /* CLOCK_THREAD_CPUTIME_ID */, &cpu);
    d->cpu_ns = (uint64_t)cpu.s * 1000000000u + (uint64_t)cpu.ns;
    d->end_ns = tw_sys_now();
    d->end = t->returned ? TWATCH_THREAD_RETURNED : t->exiting ? TWATCH_THREAD_EXITED : TWATCH_THREAD_CANCELLED;
    report_held(t);
    tw_key_thread_end(t);
    if (tw_race) tw_race->end(t->id);
    tw_wait_thread_ended(t);
    tw_deps_release(t);
    if (t->lowest_object) tw_object_range_dead(t->lowest_object, t->stack_hi, NULL, NULL); /* the stack will serve another thread */
    t->lowest_object = 0;
    t->slot->nheld = 0;
    d->slot = 0;
    __atomic_store_n(&t->slot->thread, 0, __ATOMIC_RELEASE);
    tw_self = &after_end;
    tw_lock_take(&lock);
    t->next = free_list;
    free_list = t;
    tw_lock_give(&lock);
}

/* Runs among the destructors of thread-specific data, in every round until the last: other destructors may still take locks. */
static void end_destructor(void *p) {
    struct tw_thread *t = p;
    if (!tw_live->on || tw_self != t) return;
    /* A guard that is still set was left by a cancellation in the middle of recording: nothing of ours is below this call. */
    t->busy = 1;
    if (t->end_rounds == 0) tw_key_thread_ending(t);
    if (++t->end_rounds < 4 /* PTHREAD_DESTRUCTOR_ITERATIONS */) {
        t->busy = 0;
        TW_REAL(pthread_setspecific)(end_key, t);
        return;
    }
    tw_thread_end(t);
}

/* ---- start of the library ---- */

static void attach_main(void) {
    uint32_t id = tw_thread_prepare(NULL, 0, 0, TWATCH_THREAD_MAIN);
    void **top = dlsym(RTLD_DEFAULT, "__libc_stack_end");
    uintptr_t hi = top && *top ? (uintptr_t)*top : 0;
    struct tw_thread *t = id ? attach(id, hi ? hi - (8u << 20) : 0, hi) : NULL;
    tw_self = t;
}

void tw_thread_init(void) {
    have_end_key = TW_REAL(pthread_key_create)(&end_key, end_destructor) == 0;
    attach_main();
    /* Registered first: the last of the prepare handlers, so that locks taken by the others' are seen. */
    pthread_atfork(tw_thread_before_fork, tw_thread_after_fork, NULL);
}

enum { CARRIED = 64 };
struct tw_carried {
    struct twatch_held held;
    uint8_t kind, type;
    uint16_t flags;
};

void tw_thread_before_fork(void) {
    struct tw_thread *t = tw_self ? tw_enter() : NULL;
    if (!t) return;
    t->ncarried = 0;
    if (t->slot->nheld > 0 && !t->carried) t->carried = tw_sys_memory(CARRIED * sizeof *t->carried);
    for (uint32_t i = 0; t->carried && i < t->slot->nheld && t->ncarried < CARRIED; i++) {
        struct twatch_held *h = &t->held[i];
        const struct twatch_object *o = h->address ? tw_object_at(tw_held_resolve(t, h)) : NULL;
        if (!o) continue;
        uint32_t flags = o->flags & ~(uint32_t)(TWATCH_OBJF_IN_DEP | TWATCH_OBJF_INIT_SEEN);
        t->carried[t->ncarried++] = (struct tw_carried){*h, o->kind, o->type, (uint16_t)flags};
    }
    tw_leave(t);
}

void tw_thread_after_fork(void) {
    if (tw_self) tw_self->ncarried = 0;
}

/* The only thread of a fork child: its parent's tables are gone. What it held is held in the child too; the lock's owner may give it back there. */
void tw_thread_forked(void) {
    struct tw_thread *t = tw_self;
    uintptr_t lo = t ? t->stack_lo : 0, hi = t ? t->stack_hi : 0;
    tw_init_forget_all();
    tw_table_forget(&threads);
    tw_table_forget(&slots);
    tw_deps_forked();
    lock = (struct tw_lock){0};
    free_list = NULL;
    tw_self = NULL;
    uint32_t id = tw_thread_prepare(NULL, 0, 0, TWATCH_THREAD_MAIN);
    struct tw_thread *self = id ? attach(id, lo, hi) : NULL;
    if (!self) return;
    self->busy = 1;
    tw_self = self;
    for (uint32_t i = 0; t && i < t->ncarried; i++) {
        const struct tw_carried *c = &t->carried[i];
        tw_held_push(self, &(struct tw_acquire){.address = c->held.address, .kind = c->kind, .type = c->type, .oflags = c->flags,
                                   .mode = c->held.mode, .flags = c->held.flags & (TWATCH_HELD_TRY | TWATCH_HELD_TIMED), .pc = c->held.site});
    }
}
