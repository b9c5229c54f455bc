/*
 * Races into the record: one element per pair of places, counted when it is seen again.
 *
 * The slow path may stand in the middle of the shim's own work (a signal handler there): then the host refuses, and the
 * report waits in a small queue for the next call that may write.
 */
#include "record.h"
#include "shadow.h"
#include "x86/x86.h"

enum { PAIRS = 4096, PAIR_SLOTS = 8192, WAITING = 32, CANDIDATES = 4, LOCKS_MAX = 32 };

struct pair {
    uint64_t pc[2];
    uintptr_t granule;
    struct twatch_race *element;
    struct {
        uint32_t lock, count;
    } usual[CANDIDATES];
};

uint8_t rt_report_hot[4096];

static struct pair *pairs;
static uint16_t *table;
static uint32_t npairs = 1, lock;
static struct rt_race waiting[WAITING];
static uint32_t nwaiting;
static size_t tls_size;

bool rt_report_init(void) {
    pairs = rt_pages(NULL, PAIRS * sizeof *pairs);
    table = rt_pages(NULL, PAIR_SLOTS * sizeof *table);
    return pairs && table;
}

void rt_report_tls(size_t bytes) {
    tls_size = bytes;
}

void rt_report_forked(void) {
    lock = 0;
}

static uint64_t now(void) {
    struct {
        int64_t s, ns;
    } t = {0, 0};
    rt_sys(SYS_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&t, 0, 0, 0, 0);
    return (uint64_t)t.s * 1000000000u + (uint64_t)t.ns;
}

/* Under lock. The slot of the pair in the table: filled, or where it goes. */
static uint32_t pair_slot(uint64_t a, uint64_t b) {
    uint64_t lo = a < b ? a : b, hi = a < b ? b : a;
    uint32_t at = (uint32_t)rt_mix(lo * 31 + rt_mix(hi)) & (PAIR_SLOTS - 1);
    for (; table[at]; at = (at + 1) & (PAIR_SLOTS - 1))
        if (pairs[table[at]].pc[0] == lo && pairs[table[at]].pc[1] == hi) break;
    return at;
}

/* Whose memory it is. */
static void find_where(struct twatch_race *e, uintptr_t addr) {
    for (uint32_t i = 1; i < rt_nslots; i++) {
        const struct rt_slot *s = rt_clock_slot(i);
        if (!s || s->state != RT_SLOT_LIVE) continue;
        bool tls = s->fs && addr < s->fs + RT_THREAD_BLOCK && addr >= s->fs - tls_size;
        if (!tls && !(addr >= s->stack_lo && addr < s->stack_hi)) continue;
        e->where = tls ? TWATCH_WHERE_TLS : TWATCH_WHERE_STACK;
        e->owner_thread = s->thread;
        return;
    }
    uintptr_t start;
    size_t size;
    uint32_t id;
    if (rt_block_find(addr, &start, &size, &id)) {
        const struct rt_access *a = rt_history_get(id);
        e->where = TWATCH_WHERE_HEAP;
        e->block = start;
        e->block_size = size;
        e->alloc_stack = a->stack;
        e->alloc_thread = a->slot ? rt_clock_slot(a->slot)->thread : 0;
    } else if (rt_host->module_id(addr)) {
        e->where = TWATCH_WHERE_GLOBAL;
    }
}

static uint32_t side_flags(const struct rt_access *a, uintptr_t addr, bool write) {
    uint32_t f = 0;
    if (write) f |= TWATCH_RACE_WRITE;
    if (a->flags & RT_ATOMIC) f |= TWATCH_RACE_ATOMIC;
    if (a->flags & RT_RMW || ((a->flags & (RT_READ | RT_WRITE)) == (RT_READ | RT_WRITE) && !(a->flags & RT_RANGE)))
        f |= TWATCH_RACE_RMW;
    if (a->flags & RT_RANGE) f |= TWATCH_RACE_RANGE;
    if (a->flags & RT_FREE) f |= TWATCH_RACE_FREE;
    if (a->flags & RT_MOV && !(f & TWATCH_RACE_RMW) && !(addr & (a->size > 4 ? 3u : a->size - 1)))
        f |= TWATCH_RACE_ALIGNED_MOV;
    if (a->flags & RT_SPIN) f |= TWATCH_RACE_SPIN;
    return f;
}

static void fill_side(
        struct twatch_race_side *s, uint32_t epoch, uint32_t id, uintptr_t addr, bool write, uint32_t *locks) {
    const struct rt_access *a = rt_history_get(id);
    s->thread = rt_clock_thread(epoch);
    s->stack = a->stack;
    s->pc = rt_history_pc(a);
    s->address = addr;
    s->size = a->size;
    s->flags = side_flags(a, addr, write) | (a->locks == RT_LOCKS_UNKNOWN ? TWATCH_RACE_LOCKS_UNKNOWN : 0u);
    const uint32_t *held = rt_history_locks(a->locks, &s->nlocks);
    if (s->nlocks > LOCKS_MAX) s->nlocks = LOCKS_MAX;
    for (uint32_t i = 0; i < s->nlocks; i++)
        locks[i] = held[i];
}

static void count_locks(struct pair *p, uint32_t set) {
    uint32_t n;
    const uint32_t *held = rt_history_locks(set, &n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < CANDIDATES; k++) {
            if (p->usual[k].lock && p->usual[k].lock != held[i]) continue;
            p->usual[k].lock = held[i];
            p->usual[k].count++;
            break;
        }
    uint32_t best = 0;
    for (uint32_t k = 1; k < CANDIDATES; k++)
        if (p->usual[k].count > p->usual[best].count) best = k;
    if (!p->element || !p->usual[best].count) return;
    p->element->usual_lock = p->usual[best].lock;
    p->element->usual_count = p->usual[best].count;
}

/* Under lock, inside the guard. */
static bool pair_write(struct pair *p, const struct rt_race *r) {
    const struct rt_access *a = rt_history_get(r->old_id), *b = rt_history_get(r->new_id);
    uint32_t na, nb;
    rt_history_locks(a->locks, &na);
    rt_history_locks(b->locks, &nb);
    if (na > LOCKS_MAX) na = LOCKS_MAX;
    if (nb > LOCKS_MAX) nb = LOCKS_MAX;
    size_t bytes = (sizeof(struct twatch_race) + (na + nb) * sizeof(uint32_t) + 7) & ~7ul;
    struct twatch_race *e = rt_host->record(TWATCH_CHUNK_RACE, bytes);
    if (!e) return false;
    e->size = (uint32_t)bytes;
    e->flags = r->hybrid ? TWATCH_RACE_HYBRID : 0;
    e->count = 1;
    e->first_ns = now();
    uintptr_t old_addr = r->granule + (uint32_t)__builtin_ctz(r->old_mask | 16);
    fill_side(&e->side[0], r->old_epoch, r->old_id, old_addr, r->old_write, e->locks);
    fill_side(&e->side[1], r->new_epoch, r->new_id, r->new_addr, b->flags & RT_WRITE, e->locks + na);
    find_where(e, r->granule + (uint32_t)__builtin_ctz(r->mask | 16));
    p->element = e;
    count_locks(p, a->locks);
    count_locks(p, b->locks);
    rt_host->record_done(e);
    return true;
}

static void pair_moves(struct pair *p, const struct rt_race *r) { /* the same two places, at other memory */
    struct twatch_race *e = p->element;
    if (r->granule == p->granule) return;
    p->granule = r->granule;
    rt_report_hot[rt_report_hash(r->granule)] = 1;
    memset(p->usual, 0, sizeof p->usual);
    e->usual_lock = e->usual_count = 0;
    e->where = e->owner_thread = e->alloc_stack = e->alloc_thread = 0;
    e->block = e->block_size = 0;
    find_where(e, r->granule + (uint32_t)__builtin_ctz(r->mask | 16));
}

/* Under lock: a pair that was reported without a stack is seen again with both. Locks keep their places: there may be fewer, not more. */
static void pair_complete(struct pair *p, const struct rt_race *r) {
    struct twatch_race *e = p->element;
    if (!e) return;
    uint32_t keep[2] = {e->side[0].nlocks, e->side[1].nlocks}, locks[2][LOCKS_MAX];
    uintptr_t old_addr = r->granule + (uint32_t)__builtin_ctz(r->old_mask | 16);
    struct twatch_race_side side[2];
    memset(side, 0, sizeof side);
    fill_side(&side[0], r->old_epoch, r->old_id, old_addr, r->old_write, locks[0]);
    fill_side(&side[1], r->new_epoch, r->new_id, r->new_addr, rt_history_get(r->new_id)->flags & RT_WRITE, locks[1]);
    for (uint32_t k = 0; k < 2; k++) {
        if (side[k].nlocks > keep[k]) return;
    }
    for (uint32_t k = 0, at = 0; k < 2; at += side[k++].nlocks)
        for (uint32_t i = 0; i < side[k].nlocks; i++) e->locks[at + i] = locks[k][i];
    e->side[0] = side[0];
    e->side[1] = side[1];
    pair_moves(p, r);
}

struct job {
    struct rt_tls *t;
    const struct rt_race *race;
    bool done;
};

/* With the vector registers saved. */
static void write_job(void *arg) {
    struct job *j = arg;
    const struct rt_race *r = j->race;
    bool guarded = !j->t->in_ops;
    if (guarded && !rt_host->enter()) return;
    rt_lock(&lock);
    uint64_t a = rt_history_get(r->old_id)->pc, b = rt_history_get(r->new_id)->pc;
    uint32_t at = pair_slot(a, b);
    if (table[at]) {
        pair_complete(&pairs[table[at]], r);
    } else if (npairs < PAIRS) {
        struct pair *p = &pairs[npairs];
        p->pc[0] = a < b ? a : b;
        p->pc[1] = a < b ? b : a;
        p->granule = r->granule;
        table[at] = (uint16_t)npairs++;
        pair_write(p, r);
        rt_report_hot[rt_report_hash(r->granule)] = 1;
    }
    rt_unlock(&lock);
    j->done = true;
    if (guarded) rt_host->leave();
}

/* The pair is known: count it. The common case, without the host. */
static bool again(const struct rt_race *r) {
    rt_lock(&lock);
    uint32_t at = pair_slot(rt_history_get(r->old_id)->pc, rt_history_get(r->new_id)->pc);
    struct pair *p = table[at] ? &pairs[table[at]] : NULL;
    struct twatch_race *e = p ? p->element : NULL;
    if (e) e->count++;
    if (e && !r->hybrid) e->flags &= ~(uint32_t)TWATCH_RACE_HYBRID; /* no luck this time */
    bool better = e && (!e->side[0].stack || !e->side[1].stack) && rt_history_get(r->old_id)->stack && rt_history_get(r->new_id)->stack;
    rt_unlock(&lock);
    return p != NULL && !better;
}

void rt_report(struct rt_tls *t, const struct rt_race *r) {
    if (again(r)) return;
    struct job j = {t, r, false};
    x86_call_with_vectors(write_job, &j);
    if (!j.done) {
        rt_lock(&lock);
        if (nwaiting < WAITING) waiting[nwaiting++] = *r;
        rt_unlock(&lock);
    }
}

void rt_report_flush(struct rt_tls *t) {
    while (__builtin_expect(nwaiting != 0, 0)) {
        rt_lock(&lock);
        struct rt_race r = waiting[nwaiting ? --nwaiting : 0];
        rt_unlock(&lock);
        struct job j = {t, &r, false};
        x86_call_with_vectors(write_job, &j);
        if (!j.done) return;
    }
}

void rt_report_touch(struct rt_tls *t, uintptr_t granule, uint32_t locks) {
    (void)t;
    if (!locks || locks == RT_LOCKS_UNKNOWN) return;
    rt_lock(&lock);
    for (uint32_t i = npairs; i-- > 1;)
        if (pairs[i].granule == granule) {
            count_locks(&pairs[i], locks);
            break;
        }
    rt_unlock(&lock);
}
