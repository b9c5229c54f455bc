/*
 * Slots, epochs and clock vectors. See rt.h for the scheme.
 *
 * A thread's epoch lives in its TLS, where the program's checks read it. The owner steps it at a release; another
 * thread steps it when it takes over something whose owner had rt_stopped stepping (sync.c, biased objects), so both
 * add atomically, to both halves at once. The TLS of a thread is written by others only under its slot's lock and never
 * after rt_clock_detach.
 */
#include "hybrid.h"
#include "shadow.h"
#include "x86/x86.h"
#include <signal.h>

enum { THREADS = 1u << 24, MEMBARRIER_EXPEDITED = 8, MEMBARRIER_REGISTER = 16 };
#define STEP 0x0000000100000001ull

__thread struct rt_tls rt_tls __attribute__((tls_model("initial-exec")));
uint32_t rt_clocks[RT_SLOTS][RT_SLOTS];
uint32_t rt_nslots = 1;

static struct rt_slot *slots[RT_SLOTS];
static uint16_t *slot_of_thread; /* by thread id, THREADS entries */
static uint32_t table_lock;
static uint64_t deaths;
static uint32_t live_threads;
volatile uint32_t rt_stopped;

struct rt_slot *rt_clock_slot(uint32_t number) {
    return slots[number & (RT_SLOTS - 1u)];
}

/* Under table_lock. A slot for a new thread: a fresh one while few are out, else the longest dead, else a fresh one; 0:
 * none. */
static uint32_t pick_slot(void) {
    uint32_t fresh = 0, oldest = 0;
    for (uint32_t i = 1; i < RT_CROWD && !fresh; i++) {
        if (!slots[i])
            fresh = i;
        else if (slots[i]->state == RT_SLOT_DEAD && (!oldest || slots[i]->ended_at < slots[oldest]->ended_at))
            oldest = i;
    }
    if (oldest && (!fresh || fresh > RT_FRESH_SLOTS)) return oldest;
    return fresh ? fresh : oldest;
}

static struct rt_slot *slot_make(uint32_t number) {
    struct rt_slot *s = rt_pages(NULL, (sizeof *s + 4095) & ~4095ul);
    if (!s) return NULL;
    s->number = number;
    slots[number] = s;
    if (number >= rt_nslots) __atomic_store_n(&rt_nslots, number + 1, __ATOMIC_RELEASE);
    return s;
}

static void slot_born(struct rt_slot *s, uint32_t thread) {
    s->thread = thread;
    s->state = RT_SLOT_LIVE;
    s->clock++;
    struct rt_birth *b = &s->births[s->nbirths % RT_BIRTHS];
    b->clock = s->clock;
    b->thread = thread;
    s->nbirths++;
}

/* Under table_lock. A slot given to `thread`, its clock vector as the last owner left it. NULL: no memory. */
static struct rt_slot *slot_take(uint32_t thread) {
    uint32_t n = pick_slot();
    if (!n) n = RT_CROWD;
    struct rt_slot *s = slots[n] ? slots[n] : slot_make(n);
    if (!s) return NULL;
    slot_born(s, thread);
    if (thread < THREADS && slot_of_thread) slot_of_thread[thread] = (uint16_t)n;
    return s;
}

uint32_t rt_clock_now(uint32_t slot) {
    struct rt_slot *s = slots[slot];
    if (!s) return 0;
    rt_lock(&s->lock);
    uint32_t c = s->tls ? rt_clock_of((uint32_t)__atomic_load_n(&s->tls->epoch, __ATOMIC_RELAXED)) : s->clock;
    rt_unlock(&s->lock);
    return c;
}

uint32_t rt_clock_bump_other(uint32_t slot) {
    struct rt_slot *s = slots[slot];
    if (!s) return 0;
    rt_lock(&s->lock);
    uint32_t c;
    if (s->tls) {
        c = rt_clock_of((uint32_t)__atomic_load_n(&s->tls->epoch, __ATOMIC_RELAXED));
        if (c < RT_CLOCK_MASK - 1)
            c = rt_clock_of((uint32_t)__atomic_fetch_add(&s->tls->epoch, STEP, __ATOMIC_ACQ_REL));
    } else {
        c = s->clock;
        if (s->state == RT_SLOT_LIVE && c < RT_CLOCK_MASK - 1) s->clock++;
    }
    rt_unlock(&s->lock);
    return c;
}

void rt_clock_taken(uint32_t slot, uint32_t number) {
    struct rt_slot *s = slots[slot];
    if (!s) return;
    rt_lock(&s->lock);
    if (s->tls) {
        s->tls->taken[s->tls->ntaken % RT_TAKEN] = number;
        __atomic_store_n(&s->tls->ntaken, s->tls->ntaken + 1, __ATOMIC_RELEASE);
        __atomic_store_n(&s->tls->reacquire, RT_REACQUIRE_TAKEN, __ATOMIC_SEQ_CST);
    }
    rt_unlock(&s->lock);
}

static void set_epoch(struct rt_tls *t, uint32_t slot, uint32_t clock) {
    uint64_t e = rt_epoch(slot, clock);
    __atomic_store_n(&t->epoch, e << 32 | e, __ATOMIC_RELEASE);
}

static void tls_bind(struct rt_tls *t, struct rt_slot *s) {
    rt_lock(&s->lock);
    if (s->number != RT_CROWD) s->tls = t;
    set_epoch(t, s->number, s->clock);
    rt_unlock(&s->lock);
    t->vc = rt_clocks[s->number];
    t->reader = s->number % RT_READERS;
    t->read_key = rt_read_key[t->reader];
    t->bias = RT_MARK | s->number;
    t->slot = s;
    uintptr_t fs;
    __asm__("mov %%fs:0, %0" : "=r"(fs));
    s->fs = fs;
}

bool rt_clock_attach(struct rt_tls *t, uint32_t thread) {
    rt_lock(&table_lock);
    if (!slot_of_thread) slot_of_thread = rt_pages(NULL, THREADS * sizeof *slot_of_thread);
    struct rt_slot *s = NULL;
    if (slot_of_thread && thread < THREADS && slot_of_thread[thread]) {
        s = slots[slot_of_thread[thread]];
        if (s->number != RT_CROWD && (s->thread != thread || s->tls || s->state != RT_SLOT_LIVE)) s = NULL;
    }
    if (!s) s = slot_take(thread);
    if (s) {
        live_threads++;
        tls_bind(t, s);
    }
    rt_unlock(&table_lock);
    return s != NULL;
}

void rt_clock_detach(struct rt_tls *t) {
    struct rt_slot *s = t->slot;
    if (!s) return;
    rt_lock(&table_lock);
    rt_lock(&s->lock);
    if (s->number != RT_CROWD) {
        s->clock = rt_clock_of((uint32_t)t->epoch);
        s->tls = NULL;
        s->state = s->clock >= RT_CLOCK_LAST ? RT_SLOT_SPENT : RT_SLOT_DEAD;
        s->ended_at = ++deaths;
        s->stack_lo = s->stack_hi = 0;
    }
    rt_unlock(&s->lock);
    live_threads--;
    rt_unlock(&table_lock);
    t->slot = NULL;
}

void rt_clock_learn(struct rt_tls *t, uint32_t slot, uint32_t clock) {
    const uint32_t *from = rt_clocks[slot];
    uint32_t n = __atomic_load_n(&rt_nslots, __ATOMIC_ACQUIRE), *to = t->vc;
    for (uint32_t i = 1; i < n; i++) {
        uint32_t c = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        if (c > to[i]) to[i] = c;
    }
    if (clock > to[slot]) to[slot] = clock;
    if (__builtin_expect(rt_hybrid_on, 0)) rt_hybrid_learn(t, slot, clock);
}

/* Clocks start again: nobody is in the runtime (all stand at rt_enter), the shadow is wiped, every slot is at clock 1.
 * Happens once in some 4 * 10^9 releases. */
static void reset(struct rt_tls *me) {
    __atomic_store_n(&rt_stopped, 1, __ATOMIC_SEQ_CST);
    rt_sys(SYS_membarrier, MEMBARRIER_EXPEDITED, 0, 0, 0, 0, 0);
    for (uint32_t i = 1; i < RT_CROWD; i++)
        while (slots[i] && slots[i]->tls && slots[i]->tls != me &&
                __atomic_load_n(&slots[i]->tls->busy, __ATOMIC_ACQUIRE))
            rt_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    rt_sync_reset();
    rt_shadow_wipe();
    if (rt_hybrid_on) rt_hybrid_reset();
    memset(rt_clocks, 0, sizeof rt_clocks);
    for (uint32_t i = 1; i < RT_SLOTS; i++) {
        struct rt_slot *s = slots[i];
        if (!s) continue;
        s->clock = 1;
        s->nbirths = 0;
        if (s->state == RT_SLOT_SPENT) s->state = RT_SLOT_DEAD;
        s->births[s->nbirths++] = (struct rt_birth){1, s->thread};
        if (s->tls) set_epoch(s->tls, i, 1);
    }
    __atomic_store_n(&rt_stopped, 0, __ATOMIC_SEQ_CST);
}

/* The clock of t's slot is used up: go on in another slot, with all that was known and the old slot's clock besides. */
static void move(struct rt_tls *t) {
    struct rt_slot *old = t->slot;
    uint32_t n = old->number, clock = rt_clock_of((uint32_t)t->epoch);
    rt_lock(&table_lock);
    uint32_t to = pick_slot();
    if (!to || n == RT_CROWD) {
        reset(t);
        if (n == RT_CROWD) set_epoch(t, n, 1);
        rt_unlock(&table_lock);
        return;
    }
    struct rt_slot *s = slots[to] ? slots[to] : slot_make(to);
    if (s) {
        rt_lock(&old->lock);
        old->tls = NULL;
        old->clock = clock;
        old->state = RT_SLOT_SPENT;
        rt_unlock(&old->lock);
        slot_born(s, old->thread);
        s->stack_lo = old->stack_lo;
        s->stack_hi = old->stack_hi;
        if (old->thread < THREADS) slot_of_thread[old->thread] = (uint16_t)to;
        tls_bind(t, s);
        rt_clock_learn(t, n, clock);
        rt_clock_bump(t);
    }
    rt_unlock(&table_lock);
}

void rt_clock_bump(struct rt_tls *t) {
    struct rt_slot *s = t->slot;
    if (s->number == RT_CROWD) {
        uint32_t c = __atomic_add_fetch(&s->clock, 1, __ATOMIC_ACQ_REL);
        if (c < RT_CLOCK_LAST) set_epoch(t, RT_CROWD, c);
        return;
    }
    t->used = 0;
    __atomic_fetch_add(&t->epoch, STEP, __ATOMIC_ACQ_REL);
}

uint32_t rt_clock_thread(uint32_t epoch) {
    struct rt_slot *s = slots[rt_slot_of(epoch)];
    if (!s) return 0;
    uint32_t clock = rt_clock_of(epoch), n = s->nbirths;
    for (uint32_t i = 0; i < n && i < RT_BIRTHS; i++) {
        const struct rt_birth *b = &s->births[(n - 1 - i) % RT_BIRTHS];
        if (b->clock <= clock) return b->thread;
    }
    return s->thread;
}

void rt_clock_create(uint32_t child) {
    struct rt_tls *t = &rt_tls;
    rt_lock(&table_lock);
    if (!slot_of_thread) slot_of_thread = rt_pages(NULL, THREADS * sizeof *slot_of_thread);
    struct rt_slot *s = slot_take(child);
    if (s) {
        uint32_t *to = rt_clocks[s->number], me = t->slot->number, clock = rt_clock_of((uint32_t)t->epoch);
        for (uint32_t i = 1; i < rt_nslots; i++)
            if (t->vc[i] > to[i]) to[i] = t->vc[i];
        if (clock > to[me]) to[me] = clock;
        if (rt_hybrid_on) rt_hybrid_create(t, s->number);
    }
    rt_unlock(&table_lock);
    rt_clock_bump(t);
}

void rt_clock_join(uint32_t thread) {
    if (!slot_of_thread || thread >= THREADS || !slot_of_thread[thread]) return;
    uint32_t n = slot_of_thread[thread];
    struct rt_slot *s = slots[n];
    if (n == rt_tls.slot->number) return;
    rt_lock(&table_lock);
    if (s->thread == thread && s->state == RT_SLOT_LIVE && !s->tls && n != RT_CROWD) { /* never started */
        s->state = RT_SLOT_DEAD;
        s->ended_at = ++deaths;
    }
    uint32_t clock = 0;
    for (uint32_t i = 0; i < s->nbirths && i < RT_BIRTHS && s->thread != thread; i++) { /* the slot has a new owner */
        const struct rt_birth *b = &s->births[(s->nbirths - 1 - i) % RT_BIRTHS];
        if (b->thread == thread) break;
        clock = b->clock - 1;
    }
    rt_unlock(&table_lock);
    rt_clock_learn(&rt_tls, n, clock ? clock : rt_clock_now(n));
}

void rt_clock_forked(void) {
    table_lock = 0;
    rt_stopped = 0;
    for (uint32_t i = 1; i < RT_SLOTS; i++) {
        struct rt_slot *s = slots[i];
        if (!s) continue;
        s->lock = 0;
        if (s->tls == &rt_tls || s->state != RT_SLOT_LIVE) continue;
        if (s->tls) s->clock = rt_clock_of((uint32_t)s->tls->epoch); /* the other threads' TLS is copied memory here */
        s->tls = NULL;
        s->state = RT_SLOT_DEAD;
        s->ended_at = ++deaths;
    }
    live_threads = 1;
    rt_sys(SYS_membarrier, MEMBARRIER_REGISTER, 0, 0, 0, 0, 0);
}

static void ask_thread(void *id) {
    *(uint32_t *)id = rt_host->thread_id();
}

/* Slow part of rt_enter: busy is set. */
static bool enter_slow(struct rt_tls *t) {
    while (rt_stopped) {
        t->busy = 0;
        rt_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
        t->busy = 1;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    if (t->ended) return false;
    if (!t->slot) {
        uint32_t id = 0;
        x86_call_with_vectors(ask_thread, &id);
        if (!id || !rt_clock_attach(t, id)) return false;
        t->exact_ops = rt_hybrid_on ? ~0u : 4096; /* biased objects keep no vectors */
        rt_sys(SYS_membarrier, MEMBARRIER_REGISTER, 0, 0, 0, 0, 0);
    }
    if (rt_clock_of((uint32_t)t->epoch) >= RT_CLOCK_LAST || t->slot->clock >= RT_CLOCK_LAST) move(t);
    return true;
}

bool rt_enter_slow(struct rt_tls *t) {
    if (enter_slow(t)) return true;
    rt_idle(t);
    return false;
}

void rt_idle_slow(struct rt_tls *t) {
    uint64_t mask = t->deferred_mask; /* all is blocked here: nobody sets it again before the call */
    t->deferred = 0;
    rt_sys(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0, 0);
}

/* What signal handlers asked for meanwhile. */
void rt_leave_slow(struct rt_tls *t) {
    while (t->npending != 0) {
        uint32_t n = --t->npending;
        rt_sync_do(t, t->slot->pending[n].op, t->slot->pending[n].obj);
    }
}
