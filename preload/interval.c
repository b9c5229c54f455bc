#include "interval.h"

#include "config.h"
#include "held.h"

#include <fcntl.h>

enum {
    ROOM = 65536,       /* elements, 2.6 MB */
    LEAST_NS = 1000000, /* shorter ones cannot be seen in a time line */
    LOOKED_AT = 64,     /* elements, for one that may be given up */
    SHARE = 8           /* of max_record that the log may reach into: the rest of the record says more */
};

static struct tw_table intervals = TW_TABLE(TWATCH_CHUNK_INTERVAL, struct twatch_interval, 8);
static struct tw_lock lock;
static uint32_t room = ROOM, cursor;
static uint32_t by_size[64]; /* elements by the binary logarithm of their duration */

static unsigned size_of(uint64_t ns) {
    return ns ? 63u - (unsigned)__builtin_clzll(ns) : 0;
}

/* A power of two that a quarter of the log is shorter than: one element in four can then be given up. */
static void raise_least(void) {
    uint32_t shorter = 0;
    unsigned k = 0;
    while (k < 62 && shorter < room / 4)
        shorter += by_size[k++];
    uint64_t least = 1ull << k, before = tw_header->interval_least_ns;
    __atomic_store_n(&tw_header->interval_least_ns, least > before ? least : before * 2, __ATOMIC_RELAXED);
}

static struct twatch_interval *appended(void) {
    uint64_t end = tw_header->alloc_end + intervals.per_chunk * sizeof(struct twatch_interval);
    bool full = intervals.count >= room ||
                (intervals.count % intervals.per_chunk == 0 && end > (uint64_t)TW_CONFIG(max_record) / SHARE);
    uint32_t id;
    struct twatch_interval *e = full ? NULL : tw_table_new(&intervals, &id, TWATCH_LOSS_BUDGET);
    if (e) return e;
    room = intervals.count;
    if (room > 0 && cursor == 0) raise_least();
    return NULL;
}

/* The log is full: the place of one that is short by now. NULL: none was met, and this one is not kept. */
static struct twatch_interval *reused(void) {
    for (uint32_t i = 0; i < LOOKED_AT && room > 0; i++) {
        if (++cursor > room) {
            cursor = 1;
            raise_least(); /* once around: what could be given up has been */
        }
        struct twatch_interval *e = tw_table_at(&intervals, cursor);
        if (!e || e->duration_ns >= tw_header->interval_least_ns) continue;
        by_size[size_of(e->duration_ns)]--;
        return e;
    }
    return NULL;
}

static void add(const struct twatch_interval *what) {
    uint64_t end = what->start_ns + what->duration_ns;
    if (end > tw_header->alive_ns) tw_header->alive_ns = end;
    tw_lock_take(&lock);
    bool old = intervals.count >= room;
    struct twatch_interval *e = old ? NULL : appended();
    if (!e) {
        e = reused();
        tw_header->intervals_dropped++;
    }
    if (e) { /* a reader may come at any moment */
        __atomic_store_n(&e->what, TWATCH_INTERVAL_NONE, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        struct twatch_interval unsaid = *what;
        unsaid.what = TWATCH_INTERVAL_NONE;
        *e = unsaid;
        by_size[size_of(what->duration_ns)]++;
        __atomic_store_n(&e->what, what->what, __ATOMIC_RELEASE);
    }
    tw_lock_give(&lock);
}

static inline bool is_long(uint64_t ns) {
    return ns >= __atomic_load_n(&tw_header->interval_least_ns, __ATOMIC_RELAXED);
}

/* ---- waits ---- */

void tw_interval_waited(struct tw_thread *t, const struct twatch_slot *s, uint64_t ns, bool got) {
    if (TW_LIKELY(!is_long(ns))) return;
    add(&(struct twatch_interval){.thread = t->id,
            .object = s->wait_object,
            .stack = s->wait_stack,
            .other = s->wait_kind == TWATCH_OBJ_THREAD ? s->wait_thread : s->wait_mutex,
            .what = TWATCH_INTERVAL_WAIT,
            .kind = s->wait_kind,
            .flags = got ? 0 : TWATCH_INTERVAL_VAIN,
            .start_ns = s->wait_since_ns,
            .duration_ns = ns});
}

void tw_interval_idled(struct tw_thread *t, uint32_t object, uint32_t stack, uint64_t start_ns, uint64_t ns, bool vain) {
    if (!is_long(ns) || start_ns < tw_header->start_ns) return;
    add(&(struct twatch_interval){.thread = t->id,
            .object = object,
            .stack = stack,
            .what = TWATCH_INTERVAL_WAIT,
            .kind = TWATCH_OBJ_EVENTS,
            .flags = vain ? TWATCH_INTERVAL_VAIN : 0,
            .start_ns = start_ns,
            .duration_ns = ns});
}

/* ---- holds ---- */

void tw_interval_clock(
        struct tw_thread *t, struct twatch_held *h, uint64_t since_ns, uint16_t flags, struct twatch_stat *stat) {
    struct tw_clocked *place = NULL;
    for (uint32_t i = 0; i < TW_CLOCKED; i++) {
        struct tw_clocked *c = &t->clocked[i];
        if (c->address == h->address) { /* known, or of a hold that somebody else ended */
            place = c;
            break;
        }
        if (!c->address && !place) place = c;
    }
    if (!place || !h->address) return;
    if (h->recursion & TWATCH_HELD_CLOCKED) {
        if (stat && place->address) place->stat = stat;
        return;
    }
    *place = (struct tw_clocked){h->address, since_ns, stat, flags};
    h->recursion |= TWATCH_HELD_CLOCKED;
}

static void count_hold(struct twatch_stat *s, uint64_t ns) {
    __atomic_fetch_add(&s->holds, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&s->hold_ns, ns, __ATOMIC_RELAXED);
    uint64_t seen = __atomic_load_n(&s->hold_max_ns, __ATOMIC_RELAXED);
    while (ns > seen &&
            !__atomic_compare_exchange_n(&s->hold_max_ns, &seen, ns, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void tw_interval_released(struct tw_thread *t, struct twatch_held *h) {
    h->recursion &= TWATCH_HELD_RECURSION;
    for (uint32_t i = 0; i < TW_CLOCKED; i++) {
        struct tw_clocked *c = &t->clocked[i];
        if (c->address != h->address) continue;
        uint64_t now = tw_sys_now(), ns = now > c->since_ns ? now - c->since_ns : 0;
        c->address = 0;
        if (c->stat) count_hold(c->stat, ns);
        if (!is_long(ns)) return;
        add(&(struct twatch_interval){.thread = t->id,
                .object = tw_held_resolve(t, h),
                .stack = tw_held_stack(t, h),
                .what = TWATCH_INTERVAL_HOLD,
                .kind = (uint8_t)tw_held_kind(h),
                .flags = (uint16_t)(c->flags | (h->mode == TWATCH_MODE_SHARED ? TWATCH_INTERVAL_SHARED : 0)),
                .start_ns = c->since_ns,
                .duration_ns = ns});
        return;
    }
}

/* The thread may go on meanwhile: what does not fit together is left out. */
void tw_interval_at_end(const struct tw_thread *t) {
    for (uint32_t i = 0; i < TW_CLOCKED; i++) {
        const struct tw_clocked c = t->clocked[i];
        uint32_t n = c.address && c.since_ns < tw_header->end_ns ? __atomic_load_n(&t->slot->nheld, __ATOMIC_ACQUIRE) : 0;
        for (uint32_t k = 0; k < n && k < t->slot->held_capacity; k++) {
            const struct twatch_held h = t->held[k];
            if (h.address != c.address || !(h.recursion & TWATCH_HELD_CLOCKED)) continue;
            uint32_t object = h.object ? h.object : tw_object_find(h.address);
            if (!object || !is_long(tw_header->end_ns - c.since_ns)) break;
            add(&(struct twatch_interval){.thread = t->id,
                    .object = object,
                    .stack = h.stack,
                    .what = TWATCH_INTERVAL_HOLD,
                    .kind = (uint8_t)tw_held_kind(&h),
                    .flags = (uint16_t)(c.flags | TWATCH_INTERVAL_AT_END | (h.mode == TWATCH_MODE_SHARED ? TWATCH_INTERVAL_SHARED : 0)),
                    .start_ns = c.since_ns,
                    .duration_ns = tw_header->end_ns - c.since_ns});
            break;
        }
    }
}

void tw_interval_acquired(struct tw_thread *t, uintptr_t address) {
    uint64_t since = t->waited_until_ns;
    t->waited_until_ns = 0;
    struct twatch_held *h = since && t->slot->nheld ? &t->held[t->slot->nheld - 1] : NULL;
    if (h && h->address == address) tw_interval_clock(t, h, since, 0, t->waited_stat);
}

void tw_interval_thread_began(struct tw_thread *t) {
    for (uint32_t i = 0; i < TW_CLOCKED; i++)
        t->clocked[i].address = 0;
    t->waited_until_ns = 0;
}

/* The second number of /proc/uptime, in hundredths of a second; 0: not there. */
static uint64_t idle_now(void) {
    char text[64] = {0};
    long fd = tw_sys(SYS_open, "/proc/uptime", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    long n = tw_sys(SYS_read, fd, text, sizeof text - 1);
    tw_sys(SYS_close, fd);
    const char *p = text;
    while (*p && *p != ' ')
        p++;
    uint64_t sum = 0;
    for (; n > 0 && *p && *p != '\n'; p++)
        if (*p >= '0' && *p <= '9') sum = sum * 10 + (uint64_t)(*p - '0');
    return sum * 10000000u;
}

static uint64_t idle_before;

void tw_interval_idle(bool end) {
    if (TW_LIKELY(!end && tw_header->idle_since_ns)) return;
    if (end && !idle_before) return;
    uint64_t now = idle_now();
    if (end) {
        tw_header->idle_ns = now > idle_before ? now - idle_before : 1;
    } else {
        idle_before = now;
        tw_header->idle_since_ns = tw_sys_now();
    }
}

void tw_interval_init(void) {
    tw_header->interval_least_ns = LEAST_NS;
}

void tw_interval_forked(void) {
    tw_table_forget(&intervals);
    lock = (struct tw_lock){0};
    room = ROOM;
    cursor = 0;
    idle_before = 0;
    tw_sys_zero(by_size, sizeof by_size);
    tw_interval_init();
}
