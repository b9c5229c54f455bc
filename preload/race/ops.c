/* What the shim calls (hooks.h): inside its recording guard, with the program's vector registers already dead as in any
 * call. */
#include "ops.h"
#include "hybrid.h"
#include "shadow.h"
#include "x86/x86.h"

enum { MARK_LIMIT = 1 << 20 };

/* A call of the shim while the runtime is busy on this thread comes from a signal handler: synchronisation waits for
 * the end. */
static void later(struct rt_tls *t, uint32_t op, uintptr_t obj) {
    if (!t->slot || t->npending >= RT_PENDING) return;
    t->slot->pending[t->npending].op = op;
    t->slot->pending[t->npending].obj = obj;
    t->npending++;
}

static bool begin(struct rt_tls *t) {
    t->in_ops++;
    if (rt_enter(t)) {
        rt_report_flush(t);
        return true;
    }
    t->in_ops--;
    return false;
}

static void end(struct rt_tls *t) {
    t->in_ops--; /* before signals that were put off are handled: a handler may not come back */
    rt_leave(t);
}

/*
 * The lock key tells lock sets apart for the cache of accesses. What is acquired and never released by the same thread
 * (a semaphore, a condition variable, a descriptor) enters it once; the oldest makes room.
 */
static uint8_t lives[4096]; /* how many objects have come and gone, by hash of the address: a new lock has a new key */

static uint8_t *lives_at(uintptr_t obj) {
    return &lives[(obj >> 3 ^ obj >> 15) % sizeof lives];
}

static void key_takes(struct rt_tls *t, uintptr_t obj) {
    struct rt_known *known = t->slot->known;
    for (uint32_t i = 0; i < RT_KNOWN; i++)
        if (known[i].obj == obj) {
            known[i].count++;
            return;
        }
    struct rt_known *k = &known[t->slot->next_known++ % RT_KNOWN];
    if (k->obj) t->lock_key -= k->hash;
    k->obj = obj;
    k->hash = rt_mix(obj ^ (uint64_t)*lives_at(obj) << 56);
    k->count = 1;
    t->lock_key += k->hash;
}

static void key_gives(struct rt_tls *t, uintptr_t obj) {
    struct rt_known *known = t->slot->known;
    for (uint32_t i = 0; i < RT_KNOWN; i++) {
        if (known[i].obj != obj) continue;
        if (--known[i].count) return;
        known[i].obj = 0;
        t->slot->next_known = i;
        t->lock_key -= known[i].hash;
        return;
    }
}

static void sync(uint32_t op, uintptr_t obj) {
    struct rt_tls *t = &rt_tls;
    if (!begin(t)) {
        later(t, op, obj);
        return;
    }
    if (op == RT_ACQUIRE || op == RT_ACQUIRE_SHARED)
        key_takes(t, obj);
    else
        key_gives(t, obj);
    rt_sync_do(t, op, obj);
    end(t);
}

static void op_acquire(uintptr_t obj) {
    sync(RT_ACQUIRE, obj);
}
static void op_release(uintptr_t obj) {
    sync(RT_RELEASE, obj);
}
static void op_acquire_shared(uintptr_t obj) {
    sync(RT_ACQUIRE_SHARED, obj);
}
static void op_release_shared(uintptr_t obj) {
    sync(RT_RELEASE_SHARED, obj);
}
static void op_forget(uintptr_t obj) {
    __atomic_fetch_add(lives_at(obj), 1, __ATOMIC_RELAXED);
    rt_sync_forget(obj);
}

static void op_publish(uintptr_t obj) {
    struct rt_tls *t = &rt_tls;
    if (!begin(t)) return;
    struct rt_place p = {.flags = RT_WRITE | RT_ATOMIC, .size = 1, .id = 1};
    key_gives(t, obj);
    rt_sync_do(t, RT_RELEASE, obj);
    uint32_t n = rt_atomic_at(t, obj, 1, &p);
    if (n) rt_atomic_release(t, n);
    end(t);
}

static void op_block(uintptr_t addr, size_t size, uint32_t stack) {
    struct rt_tls *t = &rt_tls;
    if (!size || !begin(t)) return;
    rt_block_new(addr, size, rt_history_number(&(struct rt_access){.stack = stack, .slot = (uint16_t)t->slot->number}));
    end(t);
}

static void op_create(uint32_t child) {
    struct rt_tls *t = &rt_tls;
    if (!begin(t)) return;
    rt_clock_create(child);
    end(t);
}

static void op_start(uint32_t thread, uintptr_t stack_lo, uintptr_t stack_hi) {
    struct rt_tls *t = &rt_tls;
    (void)thread;
    if (!begin(t)) return;
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    t->slot->stack_lo = stack_lo;
    t->slot->stack_hi = stack_hi;
    rt_shadow_cover(stack_lo, stack_hi - stack_lo);
    /* The stack below, and the TLS above: what an earlier thread did there is over. Frames of the birth itself hold
     * nothing shared. */
    rt_shadow_clear(stack_lo, stack_hi);
    (void)sp;
    end(t);
}

static void op_end(uint32_t thread) {
    struct rt_tls *t = &rt_tls;
    if (!begin(t)) return;
    if (t->slot->thread == thread || t->slot->number == RT_CROWD) {
        rt_clock_detach(t);
        t->ended = 1;
        t->in_ops = 0;
        rt_idle(t);
        return;
    }
    end(t);
}

static void op_join(uint32_t thread) {
    struct rt_tls *t = &rt_tls;
    if (!begin(t)) return;
    rt_clock_join(thread);
    end(t);
}

static void place_of_call(struct rt_place *p, uintptr_t site, uintptr_t cfa, uint32_t flags, size_t size) {
    *p = (struct rt_place){.key = site | 1ull << 63, .pc = site, .sp = cfa, .size = (uint32_t)size, .flags = flags};
    if (flags & RT_FREE) p->key |= 1ull << 61;
    if ((flags & (RT_WRITE | RT_RANGE)) == (RT_WRITE | RT_RANGE))
        p->key |= 1ull << 62; /* memcpy reads and writes at one site */
}

static void op_fresh_block(uintptr_t addr, size_t size, size_t whole, uintptr_t site, uintptr_t cfa) {
    struct rt_tls *t = &rt_tls;
    if (whole < size) whole = size;
    if (!whole || !begin(t)) return;
    rt_shadow_cover(addr, whole);
    rt_shadow_clear(addr, addr + whole);
    if (site && size) {
        struct rt_place p;
        place_of_call(&p, site, cfa, RT_WRITE | RT_FREE, 0); /* the flags only tell the cache's keys apart */
        rt_block_new(addr, size, rt_history_id(t, &p));
    }
    end(t);
}

static void op_fresh_at(uintptr_t addr, size_t size, uintptr_t site, uintptr_t cfa) {
    op_fresh_block(addr, size, 0, site, cfa);
}

static void op_fresh(uintptr_t addr, size_t size) {
    op_fresh_block(addr, size, 0, 0, 0);
}

static void op_dead_at(uintptr_t addr, size_t size, uintptr_t site, uintptr_t cfa) {
    struct rt_tls *t = &rt_tls;
    if (!size || !begin(t)) return;
    if (size >= MARK_LIMIT || !site || !rt_modules_watched(site, true)) {
        rt_shadow_clear(addr, addr + size);
    } else {
        struct rt_place p;
        uintptr_t start;
        size_t known;
        uint32_t id;
        place_of_call(&p, site, cfa, RT_WRITE | RT_FREE, 0);
        if (!rt_block_find(addr, &start, &known, &id)) rt_block_new(addr, size, 0); /* older than the engine */
        rt_access_free(t, addr, size, &p);
    }
    end(t);
}

static void op_dead(uintptr_t addr, size_t size) {
    op_dead_at(addr, size, 0, 0);
}

static int op_known(uintptr_t addr, size_t size, int is_write) {
    return rt_access_known(&rt_tls, addr, size, is_write);
}

static void op_range(uintptr_t addr, size_t size, int is_write, uintptr_t site, uintptr_t cfa) {
    struct rt_tls *t = &rt_tls;
    if (!size || !rt_modules_watched(site, false) || !begin(t)) return;
    struct rt_place p;
    place_of_call(&p, site, cfa, (is_write ? RT_WRITE : RT_READ) | RT_RANGE, size < 1u << 20 ? size : 1u << 20);
    rt_access(t, addr, size, &p);
    end(t);
}

static void op_forked(void) {
    rt_clock_forked();
    rt_sync_forked();
    if (rt_hybrid_on) rt_hybrid_forked();
    rt_history_forked();
    rt_report_forked();
}

static uint64_t *ucontext_pc(void *ucontext) {
    return (uint64_t *)((char *)ucontext + 168);
} /* uc_mcontext.gregs[REG_RIP] */

static uint64_t *ucontext_sp(void *ucontext) {
    return (uint64_t *)((char *)ucontext + 160);
} /* uc_mcontext.gregs[REG_RSP] */

/* What handler_enter leaves for handler_leave: the spilled registers; the pc that the handler was shown; by how much
 * the stack pointer it was shown is higher. The last word is the shim's. */
enum { SAVED_SPILL = 0, SAVED_SHOWN = 4, SAVED_LIFT = 5 };

static uintptr_t op_handler_enter(void *ucontext, uint64_t *save) {
    struct rt_tls *t = &rt_tls;
    uint64_t *pc = ucontext_pc(ucontext);
    uintptr_t found = (uintptr_t)*pc, pushed = 0, original = x86_translate(found, &pushed);
    for (uint32_t i = 0; i < 4; i++)
        save[SAVED_SPILL + i] = t->spill[i];
    save[SAVED_SHOWN] = original ? original : found;
    save[SAVED_LIFT] = pushed ? sizeof pushed : 0;
    *pc = save[SAVED_SHOWN];
    *ucontext_sp(ucontext) += save[SAVED_LIFT];
    uintptr_t sender = save[TW_RACE_SAVE - 1];
    if (rt_enter(t)) { /* not through begin(): the shim may have been interrupted in the middle of something */
        if (sender) rt_sync_do(t, RT_ACQUIRE, sender);
        rt_leave(t);
    } else if (sender) {
        later(t, RT_ACQUIRE, sender);
    }
    return found;
}

static void op_handler_leave(void *ucontext, uint64_t *save, uintptr_t found) {
    struct rt_tls *t = &rt_tls;
    uint64_t *pc = ucontext_pc(ucontext);
    for (uint32_t i = 0; i < 4; i++)
        t->spill[i] = save[SAVED_SPILL + i];
    if (*pc == save[SAVED_SHOWN]) {
        /* Exactly where it was, also in original code that has a copy: the copy may want another stack pointer. */
        *pc = found;
        *ucontext_sp(ucontext) -= save[SAVED_LIFT];
        return;
    }
    uintptr_t push = 0, copy = x86_copy_of((uintptr_t)*pc, &push);
    if (!copy) return;
    *pc = copy;
    if (push) {
        *ucontext_sp(ucontext) -= sizeof push;
        *(uintptr_t *)*ucontext_sp(ucontext) = push;
    }
}

static int op_busy(void) {
    return rt_tls.busy != 0;
}

static uintptr_t op_place(size_t size) {
    return rt_shadow_place(size);
}

static void op_defer(uint64_t mask) {
    rt_tls.deferred_mask = mask;
    rt_tls.deferred = 1;
}

/* The kernel's address is 0 when the cell's is no address at all: the one in the registers counts. */
static int op_fault(void *ucontext, uintptr_t address) {
    uintptr_t pc = (uintptr_t)*ucontext_pc(ucontext), cell;
    (void)address;
    if (!x86_check_at(pc, ucontext, &cell, 0)) return 0;
    return rt_shadow_fault(cell) || x86_check_at(pc, ucontext, &cell, 1);
}

const struct tw_race_ops rt_ops = {
        .acquire = op_acquire,
        .release = op_release,
        .release_shared = op_release_shared,
        .forget = op_forget,
        .create = op_create,
        .start = op_start,
        .end = op_end,
        .join = op_join,
        .fresh = op_fresh,
        .dead = op_dead,
        .range = op_range,
        .module_loaded = rt_modules_loaded,
        .module_unloading = rt_modules_unloading,
        .forked = op_forked,
        .acquire_shared = op_acquire_shared,
        .handler_enter = op_handler_enter,
        .handler_leave = op_handler_leave,
        .fault = op_fault,
        .fresh_at = op_fresh_at,
        .dead_at = op_dead_at,
        .publish = op_publish,
        .block = op_block,
        .busy = op_busy,
        .defer = op_defer,
        .place = op_place,
        .known = op_known,
        .fresh_block = op_fresh_block,
};
