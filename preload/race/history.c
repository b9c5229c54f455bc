/*
 * Where accesses were made: numbers for (place, stack, locks held), so that a cell's mark can say later what a stack
 * was then.
 *
 * A thread's cache answers for (place, stack pointer) as long as the words that held return addresses still do:
 * a frame's layout at an instruction is fixed, so then the whole stack is the same. A miss unwinds through the host,
 * or, when that is not affordable, is noted without stack and locks. The table of numbers and that of lock sets only
 * grow; when one is full, accesses share an entry without stack or locks. Numbers are found without a lock.
 */
#include "hybrid.h"
#include "record.h"
#include "shadow.h"
#include "x86/x86.h"

enum {
    IDS = 1 << 22,
    LEVELS = 4,
    LEVEL_BITS = 15, /* of the first; each has eight times as many, which are half full when the next begins */
    SETS = 1 << 16,
    SET_SLOTS = 1 << 17,
    SET_WORDS = 1 << 20,
    SET_MAX = 32,
    SHARDS = 64
};

enum { OWN_RATE = 512, CAPTURE_SHARE = 256 };

static struct rt_access *accesses;
static uint32_t *id_tables[LEVELS], ids = 1;
static uint32_t id_locks[SHARDS];
static struct lock_set {
    uint32_t first, n;
    uint64_t hash;
} * sets;
static uint32_t *set_words, *set_table, nsets = 1, nwords, set_lock;

/* The highest place of a level. */
static inline uint32_t level_last(uint32_t level) {
    return (1u << (LEVEL_BITS + 3 * level)) - 1u;
}

bool rt_history_init(void) {
    accesses = rt_pages(NULL, IDS * sizeof *accesses);
    bool tables = true;
    for (uint32_t k = 0; k < LEVELS; k++) {
        id_tables[k] = rt_pages(NULL, (level_last(k) + 1ul) * sizeof *id_tables[k]);
        tables = tables && id_tables[k];
    }
    sets = rt_pages(NULL, SETS * sizeof *sets);
    set_words = rt_pages(NULL, SET_WORDS * sizeof *set_words);
    set_table = rt_pages(NULL, SET_SLOTS * sizeof *set_table);
    return accesses && tables && sets && set_words && set_table;
}

void rt_history_forked(void) {
    memset(id_locks, 0, sizeof id_locks);
    set_lock = 0;
}

const struct rt_access *rt_history_get(uint32_t id) {
    id &= (1u << RT_ID_BITS) - 1u;
    return &accesses[id < IDS ? id : 0];
}

const uint32_t *rt_history_locks(uint32_t set, uint32_t *n) {
    *n = set < SETS ? sets[set].n : 0;
    return &set_words[set < SETS ? sets[set].first : 0];
}

static uint32_t set_intern(const uint32_t *objects, uint32_t n) {
    if (!n) return 0;
    uint64_t h = n;
    for (uint32_t i = 0; i < n; i++)
        h = rt_mix(h + objects[i]);
    rt_lock(&set_lock);
    uint32_t at = (uint32_t)h & (SET_SLOTS - 1), found = 0;
    for (; set_table[at]; at = (at + 1) & (SET_SLOTS - 1))
        if (sets[set_table[at]].hash == h && sets[set_table[at]].n == n) {
            found = set_table[at];
            break;
        }
    if (!found && nsets < SETS && nwords + n <= SET_WORDS) {
        found = nsets++;
        sets[found] = (struct lock_set){nwords, n, h};
        for (uint32_t i = 0; i < n; i++)
            set_words[nwords++] = objects[i];
        set_table[at] = found;
    }
    rt_unlock(&set_lock);
    return found;
}

static bool same(const struct rt_access *a, const struct rt_access *b) {
    return a->pc == b->pc && a->stack == b->stack && a->locks == b->locks && a->size == b->size && a->slot == b->slot &&
           a->flags == b->flags;
}

/*
 * The table of numbers, in levels of rising size: a program with few has them in few pages. Entries are complete before
 * they are in a level and never leave it. The level for the next one:
 */
static inline uint32_t level_now(void) {
    uint32_t n = __atomic_load_n(&ids, __ATOMIC_RELAXED), level = 0;
    while (level < LEVELS - 1 && n > level_last(level) / 2)
        level++;
    return level;
}

static uint32_t number_find(const struct rt_access *a, uint32_t hash) {
    for (uint32_t level = level_now() + 1; level-- > 0;) {
        uint32_t last = level_last(level), id;
        for (uint32_t at = hash & last; (id = __atomic_load_n(&id_tables[level][at], __ATOMIC_ACQUIRE)) != 0;
                at = (at + 1) & last)
            if (same(&accesses[id], a)) return id;
    }
    return 0;
}

/* Under the lock of the hash. */
static uint32_t number_new(const struct rt_access *a, uint32_t hash) {
    uint32_t level = level_now(), last = level_last(level), at = hash & last;
    uint32_t n = __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED), none = 0;
    if (n >= IDS) {
        ids = IDS;
        return 0;
    }
    accesses[n] = *a;
    while (!__atomic_compare_exchange_n(&id_tables[level][at], &none, n, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        at = (at + 1) & last;
        none = 0;
    }
    return n;
}

uint32_t rt_history_number(const struct rt_access *a) {
    uint64_t h = rt_mix(a->pc ^ rt_mix(((uint64_t)a->stack << 32 | a->locks) +
                                        ((uint64_t)a->size << 32 | (uint32_t)a->slot << 16 | a->flags)));
    uint32_t id = number_find(a, (uint32_t)h);
    if (__builtin_expect(id != 0, 1)) return id;
    uint32_t *lock = &id_locks[(h >> 32) % SHARDS];
    rt_lock(lock);
    id = number_find(a, (uint32_t)h);
    if (!id) id = number_new(a, (uint32_t)h);
    rt_unlock(lock);
    return id;
}

struct capture {
    struct rt_tls *t;
    struct rt_place *p;
    struct tw_race_regs regs;
    uint32_t stack, locks;
    bool need_locks, need_stack, locked, done;
};

static void fill_regs(struct capture *c) {
    const struct x86_regs *r = c->p->regs;
    uint64_t *g = c->regs.gpr;
    g[TW_RACE_RAX] = r->rax, g[TW_RACE_RCX] = r->rcx, g[TW_RACE_RDX] = r->rdx, g[TW_RACE_RBX] = r->rbx;
    g[TW_RACE_RSP] = r->rsp, g[TW_RACE_RBP] = r->rbp, g[TW_RACE_RSI] = r->rsi, g[TW_RACE_RDI] = r->rdi;
    g[TW_RACE_R8] = r->r8, g[TW_RACE_R9] = r->r9, g[TW_RACE_R10] = r->r10, g[TW_RACE_R11] = r->r11;
    g[TW_RACE_R12] = r->r12, g[TW_RACE_R13] = r->r13, g[TW_RACE_R14] = r->r14, g[TW_RACE_R15] = r->r15;
}

/* With the vector registers saved. Not inside the shim: it may be interrupted in the middle of its own data. */
static void capture(void *arg) {
    struct capture *c = arg;
    struct x86_site site;
    if (!c->p->pc && x86_site((uint32_t)c->p->key, &site)) c->p->pc = site.pc;
    bool guarded = !c->t->in_ops;
    if (guarded && !rt_host->enter()) return;
    if (c->need_locks) {
        uint32_t objects[SET_MAX], n = rt_host->held(objects, SET_MAX);
        c->locks = set_intern(objects, n < SET_MAX ? n : SET_MAX);
        c->locked = true;
    }
    if (c->need_stack) {
        if (c->p->regs) fill_regs(c);
        uint64_t pc = c->p->pc + (c->p->flags & RT_EXACT_ATOMICS ? 1 : 0); /* tsan.c: where its call returns to */
        c->stack = rt_host->stack_here(pc, c->p->sp, c->p->regs ? &c->regs : NULL);
        c->done = true;
    }
    if (guarded) rt_host->leave();
}

static void cache_fill(
        struct rt_cached *e, const struct rt_place *p, uint64_t lock_key, const struct capture *c, uint32_t id) {
    uint32_t n = c->regs.nslots;
    e->key = 0;
    if (!c->done || n > TW_RACE_SLOTS || (n == 0 && !c->regs.whole)) return; /* no telling whether it still stands */
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = (c->regs.slot[i] - p->sp) / 8;
        if (c->regs.slot[i] < p->sp || (c->regs.slot[i] - p->sp) % 8 || at > UINT16_MAX) return;
        e->at[i] = (uint16_t)at;
    }
    e->lock_key = lock_key;
    e->sp = p->sp;
    e->id = id;
    e->unlocked = 0;
    e->stack = c->stack;
    e->nslots = n;
    e->words = rt_history_words(e);
    e->key = p->key;
}

uint64_t rt_history_pc(const struct rt_access *a) {
    struct x86_site site;
    if (!(a->pc & RT_SITE_KEY) || a->pc >> 63) return a->pc;
    return x86_site((uint32_t)a->pc, &site) ? site.pc : 0;
}

/*
 * Unwinding costs microseconds, so a thread has a budget: its first RT_FREE_CAPTURES stacks, then one for so many accesses
 * without, as long as that takes no more than one part in CAPTURE_SHARE of its time. Memory that was in a report has a
 * budget of its own, and no rate.
 */
static bool affordable(struct rt_slot *s, const struct rt_place *p) {
    uint32_t *taken = p->hot ? &s->hot_captures : &s->captures;
    if (*taken < RT_FREE_CAPTURES) {
        ++*taken;
        return true;
    }
    if (!p->hot && ++s->skipped < (p->shared ? RT_SHARED_RATE : OWN_RATE)) return false;
    s->skipped = 0;
    return __builtin_ia32_rdtsc() >= s->capture_at;
}

/* A stack took from `start` to now: the next one is due when it is a small share of the time. */
static void captured(struct rt_slot *s, uint64_t start) {
    uint64_t now = __builtin_ia32_rdtsc();
    s->capture_at = now + (now - start) * CAPTURE_SHARE;
}

/*
 * The same for lock sets beside a stack that is known: a program with a lock for each of many elements has as many sets
 * for one place, and each takes a number that no cache has. Memory that was in a report has a budget of its own: a
 * program may go on with the race for hours.
 */
static bool locks_affordable(struct rt_slot *s, const struct rt_place *p) {
    uint32_t *looks = p->hot ? &s->hot_looks : &s->lock_looks;
    if (*looks < RT_FREE_LOCKS || ++s->lock_skips >= RT_LOCKS_RATE) {
        ++*looks;
        s->lock_skips = 0;
        return true;
    }
    return false;
}

static uint32_t lock_place(uint64_t key) {
    return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32) % RT_LOCK_CACHE;
}

static uint32_t number_of(const struct rt_slot *s, const struct rt_place *p, uint32_t stack, uint32_t locks) {
    bool site = p->key & RT_SITE_KEY && !(p->key >> 63);
    struct rt_access a = {site ? p->key & (RT_SITE_KEY | 0xffffffffu) : p->pc, stack, locks, p->size,
            (uint16_t)s->number, (uint16_t)p->flags};
    uint32_t id = rt_history_number(&a);
    if (id) return id;
    a.stack = 0;
    a.locks = RT_LOCKS_UNKNOWN;
    return rt_history_number(&a);
}

/* Locks, and a stack where e has none, from the host. */
static uint32_t look_up(struct rt_tls *t, struct rt_place *p, struct rt_cached *e, bool stands, bool need_stack) {
    struct rt_slot *s = t->slot;
    bool crowd = s->number == RT_CROWD; /* its caches would be shared by running threads */
    uint32_t at = lock_place(t->lock_key);
    struct capture c = {.t = t, .p = p, .locks = RT_LOCKS_UNKNOWN};
    c.need_locks = crowd || s->locks[at].key != t->lock_key;
    if (!c.need_locks) c.locks = s->locks[at].set;
    c.need_stack = need_stack;
    if (c.need_stack || c.need_locks) {
        uint64_t start = __builtin_ia32_rdtsc();
        if (p->regs)
            x86_call_with_vectors(capture, &c);
        else
            capture(&c); /* in a call: the vector registers are the callee's, and the unwinder comes from here */
        if (c.need_stack) captured(s, start);
    }
    if (c.locked && !crowd) {
        s->locks[at].key = t->lock_key;
        s->locks[at].set = c.locks;
    }
    uint32_t id = number_of(s, p, stands ? e->stack : c.stack, c.locks);
    if (crowd || !id) return id;
    if (stands) {
        e->lock_key = t->lock_key;
        e->id = id;
    } else if (c.done) {
        cache_fill(e, p, t->lock_key, &c, id);
    }
    return id;
}

static uint32_t bare_new(const struct rt_slot *s, const struct rt_place *p) {
    struct rt_place any = *p;
    if (p->flags & RT_RANGE) any.size = 0; /* another one each time: not told */
    return number_of(s, &any, 0, RT_LOCKS_UNKNOWN);
}

/* Without stack and locks. */
static uint32_t bare(struct rt_slot *s, const struct rt_place *p) {
    if (s->number == RT_CROWD) return bare_new(s, p);
    if (p->key >> 32 == RT_SITE_KEY >> 32) {
        struct rt_bare_site *b = &s->bare_sites[p->key % RT_BARE_SITES];
        if (b->site == (uint32_t)p->key && b->id) return b->id;
        b->site = (uint32_t)p->key;
        return b->id = bare_new(s, p);
    }
    struct rt_bare_call *b = &s->bare_calls[(p->key * 0x9e3779b97f4a7c15ull >> 32) % RT_BARE_CALLS];
    if (b->key == p->key && b->id) return b->id;
    b->key = p->key;
    return b->id = bare_new(s, p);
}

void rt_history_soon(const struct rt_tls *t, const struct rt_place *p) {
    uint32_t h = rt_history_hash(p->key, p->sp);
    if (t->slot->tags[h % RT_CACHE] != h) {
        __builtin_prefetch(&t->slot->bare_sites[p->key % RT_BARE_SITES]);
        return;
    }
    const struct rt_cached *e = &t->slot->cache[h % RT_CACHE];
    __builtin_prefetch(e);
    __builtin_prefetch((const char *)e + 64);
}

uint32_t rt_history_id(struct rt_tls *t, struct rt_place *p) {
    if (p->id) return p->id;
    struct rt_slot *s = t->slot;
    uint32_t h = rt_history_hash(p->key, p->sp);
    struct rt_cached *e = &s->cache[h % RT_CACHE];
    bool stands = s->tags[h % RT_CACHE] == h && s->number != RT_CROWD && e->key == p->key && e->sp == p->sp &&
                  rt_history_words(e) == e->words;
    if (__builtin_expect(stands && e->lock_key == t->lock_key, 1)) return p->id = e->id;
    bool exact = rt_hybrid_on; /* it compares lock sets */
    if (stands && !exact && !locks_affordable(s, p)) {
        if (!e->unlocked) e->unlocked = number_of(s, p, e->stack, RT_LOCKS_UNKNOWN);
        return p->id = e->unlocked;
    }
    bool need_stack = !stands && affordable(s, p);
    if (!stands && !need_stack && !exact) return p->id = bare(s, p);
    p->id = look_up(t, p, e, stands, need_stack);
    if (need_stack && s->number != RT_CROWD) s->tags[h % RT_CACHE] = h;
    return p->id;
}
