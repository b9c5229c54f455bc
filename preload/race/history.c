/*
 * Where accesses were made: numbers for (place, stack, locks held), so that a cell's mark can say later what a stack
 * was then.
 *
 * A thread's cache answers for (place, stack pointer, locks) as long as the words that held return addresses still do:
 * a frame's layout at an instruction is fixed, so then the whole stack is the same. A miss unwinds through the host.
 * The table of numbers and that of lock sets only grow; when one is full, accesses share an entry without stack or
 * locks.
 */
#include "record.h"
#include "shadow.h"
#include "x86/x86.h"

enum {
    IDS = 1 << 22,
    ID_SLOTS = 1 << 23,
    SETS = 1 << 16,
    SET_SLOTS = 1 << 17,
    SET_WORDS = 1 << 20,
    SET_MAX = 32,
    SHARDS = 64
};

enum { FREE_CAPTURES = 2000, SHARED_RATE = 64, OWN_RATE = 512, BARE_RETRY = 64 };

static struct rt_access *accesses;
static uint32_t *id_table, ids = 1;
static uint32_t id_locks[SHARDS];
static struct lock_set {
    uint32_t first, n;
    uint64_t hash;
} * sets;
static uint32_t *set_words, *set_table, nsets = 1, nwords, set_lock;

bool rt_history_init(void) {
    accesses = rt_pages(NULL, IDS * sizeof *accesses);
    id_table = rt_pages(NULL, ID_SLOTS * sizeof *id_table);
    sets = rt_pages(NULL, SETS * sizeof *sets);
    set_words = rt_pages(NULL, SET_WORDS * sizeof *set_words);
    set_table = rt_pages(NULL, SET_SLOTS * sizeof *set_table);
    return accesses && id_table && sets && set_words && set_table;
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

uint32_t rt_history_number(const struct rt_access *a) {
    uint64_t h = rt_mix(a->pc ^ rt_mix(((uint64_t)a->stack << 32 | a->locks) +
                                        ((uint64_t)a->size << 32 | (uint32_t)a->slot << 16 | a->flags)));
    uint32_t at = (uint32_t)h & (ID_SLOTS - 1), id = 0;
    uint32_t *lock =
            &id_locks[at >>
                      17]; /* a probe that runs over the edge of its part meets entries that are complete or empty */
    rt_lock(lock);
    for (; (id = __atomic_load_n(&id_table[at], __ATOMIC_ACQUIRE)) != 0; at = (at + 1) & (ID_SLOTS - 1))
        if (same(&accesses[id], a)) break;
    if (!id) {
        uint32_t n = __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED);
        if (n < IDS) {
            accesses[n] = *a;
            uint32_t none = 0;
            while (!__atomic_compare_exchange_n(&id_table[at], &none, n, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
                at = (at + 1) & (ID_SLOTS - 1);
                none = 0;
            }
            id = n;
        } else {
            ids = IDS;
        }
    }
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
        c->stack = rt_host->stack_here(c->p->pc, c->p->sp, c->p->regs ? &c->regs : NULL);
        c->done = true;
    }
    if (guarded) rt_host->leave();
}

static bool still(const struct rt_cached *e) {
    for (uint32_t i = 0; i < e->nslots; i++)
        if (*(const uint64_t *)e->slot[i] != e->value[i]) return false;
    return true;
}

static void cache_fill(
        struct rt_cached *e, const struct rt_place *p, uint64_t lock_key, const struct capture *c, uint32_t id) {
    e->nslots = 0;
    e->key = p->key;
    e->lock_key = lock_key;
    e->sp = p->sp;
    e->id = id;
    for (uint32_t i = 0; i < c->regs.nslots && i < TW_RACE_SLOTS; i++) {
        e->slot[i] = c->regs.slot[i];
        e->value[i] = *(const uint64_t *)c->regs.slot[i];
        e->nslots = i + 1;
    }
    e->bare = !c->done || (c->regs.nslots == 0 && !c->regs.whole); /* asked again now and then */
    if (e->bare && c->done) e->key = 0;
}

uint64_t rt_history_pc(const struct rt_access *a) {
    struct x86_site site;
    if (!(a->pc & RT_SITE_KEY) || a->pc >> 63) return a->pc;
    return x86_site((uint32_t)a->pc, &site) ? site.pc : 0;
}

/*
 * Unwinding costs microseconds, so a thread has a budget: its first FREE_CAPTURES stacks, then one for so many accesses without. Memory
 * that was in a report is worth one always.
 */
static bool affordable(struct rt_slot *s, const struct rt_place *p) {
    if (p->hot) return true;
    if (s->captures < FREE_CAPTURES || s->skipped >= (p->shared ? SHARED_RATE : OWN_RATE)) {
        s->captures++;
        s->skipped = 0;
        return true;
    }
    s->skipped++;
    return false;
}

static uint32_t lock_place(uint64_t key) { return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 32) % RT_LOCK_CACHE; }

/* The slow part: a stack from the host, where it is affordable. */
static uint32_t look_up(struct rt_tls *t, struct rt_place *p, struct rt_cached *e) {
    struct rt_slot *s = t->slot;
    bool crowd = s->number == RT_CROWD; /* its caches would be shared by running threads */
    uint32_t at = lock_place(t->lock_key);
    struct capture c = {.t = t, .p = p};
    c.need_locks = crowd || s->locks[at].key != t->lock_key;
    if (!c.need_locks) c.locks = s->locks[at].set;
    c.need_stack = affordable(s, p);
    if (c.need_stack || c.need_locks) {
        if (p->regs) x86_call_with_vectors(capture, &c);
        else capture(&c); /* in a call: the vector registers are the callee's, and the unwinder comes from here */
    }
    if (c.locked && !crowd) {
        s->locks[at].key = t->lock_key;
        s->locks[at].set = c.locks;
    }
    struct rt_access a = {p->key & RT_SITE_KEY && !(p->key >> 63) ? (p->key & (RT_SITE_KEY | 0xffffffffu)) : p->pc,
            c.stack, c.locks, p->size, (uint16_t)s->number, (uint16_t)p->flags};
    uint32_t id = rt_history_number(&a);
    if (!id) {
        a.stack = a.locks = 0;
        id = rt_history_number(&a);
    }
    if (!crowd && id) cache_fill(e, p, t->lock_key, &c, id);
    return id;
}

uint32_t rt_history_id(struct rt_tls *t, struct rt_place *p) {
    if (p->id) return p->id;
    struct rt_slot *s = t->slot;
    struct rt_cached *e = &s->cache[rt_mix(p->key ^ p->sp << 16 ^ t->lock_key) % RT_CACHE];
    bool hit = s->number != RT_CROWD && e->key == p->key && e->sp == p->sp && e->lock_key == t->lock_key;
    if (hit && e->bare && (p->hot || ++e->uses % BARE_RETRY == 0)) hit = false;
    if (hit && still(e)) return p->id = e->id;
    return p->id = look_up(t, p, e);
}
