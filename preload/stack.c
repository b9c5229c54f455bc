#include "stack.h"

#include <errno.h>

#include "config.h"
#include "modules.h"
#include "python.h"
#include "real.h"
#include "unwind.h"

/* ---- hash-consing: a table of pointers into the record, read and changed under the lock (only on a miss of the threads' caches) ---- */

static struct tw_stream stream = {.kind = TWATCH_CHUNK_STACK};
static struct { uint64_t hash; struct twatch_stack *stack; } *table;
static uint32_t table_size, nstacks;
static const struct twatch_stack **by_id; /* index id - 1; grows with the table */
static uint32_t depth = 64;

static bool grow(void) {
    uint32_t size = table_size ? table_size * 2 : 1024;
    __typeof__(table) bigger = tw_sys_pages(size * sizeof *bigger);
    const struct twatch_stack **ids = tw_sys_pages(size * sizeof *ids);
    if (!bigger || !ids) return false;
    for (uint32_t i = 0; i < table_size; i++) {
        if (!table[i].stack) continue;
        uint32_t k = (uint32_t)table[i].hash & (size - 1);
        while (bigger[k].stack) k = (k + 1) & (size - 1);
        bigger[k] = table[i];
    }
    if (nstacks) tw_sys_copy(ids, by_id, nstacks * sizeof *ids);
    table = bigger;
    by_id = ids; /* the old array stays readable: somebody may hold it */
    table_size = size;
    return true;
}

static const struct twatch_stack *intern(const uint64_t *pc, uint32_t n, uint32_t flags) {
    uint64_t h = flags;
    for (uint32_t i = 0; i < n; i++) h = tw_sys_mix(h ^ pc[i]) + i;
    tw_lock_take(&stream.lock);
    const struct twatch_stack *found = NULL;
    if ((nstacks + 1) * 2 > table_size && !grow() && nstacks + 1 >= table_size) goto out;
    uint32_t k = (uint32_t)h & (table_size - 1);
    for (; table[k].stack; k = (k + 1) & (table_size - 1)) {
        const struct twatch_stack *s = table[k].stack;
        if (table[k].hash == h && s->nframes == n && s->flags == flags && tw_sys_equal(s->pc, pc, n * sizeof *pc)) {
            found = s;
            goto out;
        }
    }
    struct twatch_stack *s = tw_stream_append(&stream, (uint32_t)(sizeof *s + n * sizeof *pc), 0);
    if (!s) goto out;
    s->id = nstacks + 1;
    s->module_seq = tw_modules_seq();
    s->nframes = (uint16_t)n;
    s->flags = (uint16_t)flags;
    tw_sys_copy(s->pc, pc, n * sizeof *pc);
    tw_stream_seal(&stream, s);
    table[k].hash = h;
    table[k].stack = s;
    by_id[nstacks] = s;
    __atomic_store_n(&nstacks, nstacks + 1, __ATOMIC_RELEASE);
    found = s;
out:
    tw_lock_give(&stream.lock);
    return found;
}

uint32_t tw_stack_intern(const uint64_t *pc, uint32_t n, uint32_t flags) {
    const struct twatch_stack *s = intern(pc, n, flags);
    return s ? s->id : 0;
}

const struct twatch_stack *tw_stack_by_id(uint32_t id) {
    return id == 0 || id > __atomic_load_n(&nstacks, __ATOMIC_ACQUIRE) ? NULL : by_id[id - 1];
}

/* ---- the threads' caches ---- */

enum { NO_SLOT = INT32_MIN };

/* The oldest entry of a place becomes its newest, with nothing in it but its room for slots. */
static struct tw_stack_entry *renew(struct tw_stack_entry *place) {
    struct tw_stack_entry oldest = place[TW_STACK_WAYS - 1];
    for (uint32_t i = TW_STACK_WAYS - 1; i > 0; i--) place[i] = place[i - 1];
    oldest.pc = 0;
    place[0] = oldest;
    return place;
}

/* The slots lie above cfa on the same stack. On the thread's own stack that memory is there; elsewhere (coroutines) the kernel is asked about the highest one. */
static bool valid_from(const struct tw_thread *t, const struct tw_stack_entry *e, uint32_t first) {
    const struct twatch_stack *s = e->stack;
    uint32_t n = e->nslots;
    if (n > 1 && !(e->cfa >= t->stack_lo && e->cfa + (uintptr_t)e->slots[n - 1] < t->stack_hi) &&
            !tw_sys_readable((const char *)e->cfa + e->slots[n - 1], 8))
        return false;
    for (uint32_t i = first; i < n; i++)
        if (e->slots[i] != NO_SLOT && *(const uint64_t *)(e->cfa + (uintptr_t)e->slots[i]) != s->pc[i]) return false;
    return true;
}

/* The entry of this place whose slots still hold what they held; NULL: none. */
static inline struct tw_stack_entry *find(const struct tw_thread *t, struct tw_stack_entry *place, uintptr_t pc, uintptr_t cfa, uint64_t extra) {
    for (uint32_t i = 0; i < TW_STACK_WAYS; i++)
        if (tw_stack_is(&place[i], pc, cfa, extra) && valid_from(t, &place[i], 0)) return &place[i];
    return NULL;
}

static const struct twatch_stack *site_only(uintptr_t pc) {
    uint64_t frame = pc;
    return intern(&frame, 1, TWATCH_STACK_SITE | TWATCH_STACK_CUT);
}

static int32_t *slots_room(struct tw_stack_entry *e, uint32_t n) {
    if (e->slots_room >= n) return (int32_t *)(uintptr_t)e->slots;
    int32_t *room = tw_sys_memory(((n + 15) & ~15u) * sizeof *room);
    if (!room) return NULL;
    e->slots = room;
    e->slots_room = (n + 15) & ~15u;
    return room;
}

/* Python replaces frames, so the frames in the record no longer match the slots one by one: such stacks are validated by the frames' fingerprint alone, together with the key. */
static void remember(struct tw_stack_entry *e, const struct tw_unwound *u, const struct twatch_stack *s, uintptr_t pc, uintptr_t cfa, uint64_t extra) {
    e->pc = 0;
    uint32_t n = extra ? 0 : u->n;
    int32_t *slots = n ? slots_room(e, n) : NULL;
    if (n && !slots) return;
    for (uint32_t i = 0; i < n; i++) {
        int64_t distance = (int64_t)(u->slot[i] - cfa);
        if (u->slot[i] == 0 || distance > INT32_MAX || distance < -8) return; /* a signal frame, or another stack: not to be reused */
        slots[i] = (int32_t)distance;
    }
    e->nslots = n;
    e->stack = s;
    e->cfa = cfa;
    e->extra = extra;
    e->pc = pc;
}

static TW_NOINLINE const struct twatch_stack *miss(struct tw_stack_entry *e, uintptr_t pc, uintptr_t cfa, uint64_t extra) {
    struct tw_unwound u;
    if (!tw_unwind_from(&u, cfa, depth) || u.n == 0 || u.pc[0] != pc) {
        tw_store_loss(TWATCH_LOSS_STACK, 1);
        return site_only(pc);
    }
    uint32_t n = u.n, flags = u.cut ? TWATCH_STACK_CUT : 0;
    if (TW_UNLIKELY(tw_python_unknown())) tw_header->flags |= TWATCH_HDR_PYTHON_UNKNOWN;
    if (extra) {
        uint32_t more = 0;
        n = tw_python_merge(u.pc, n, depth, tw_store_string, &more);
        flags |= more;
        if (n >= depth) flags |= TWATCH_STACK_CUT;
        tw_header->flags |= TWATCH_HDR_PYTHON;
    }
    const struct twatch_stack *s = intern(u.pc, n, flags);
    if (s) remember(e, &u, s, pc, cfa, extra);
    return s;
}

uint32_t tw_stack_here(struct tw_thread *t, uintptr_t pc, uintptr_t cfa) {
    uint64_t extra = TW_UNLIKELY(tw_python_active()) ? tw_python_fingerprint() : 0;
    struct tw_stack_entry *place = tw_stack_place(t, pc, cfa, extra), *e = find(t, place, pc, cfa, extra);
    if (TW_LIKELY(e != NULL)) return e->stack->id;
    const struct twatch_stack *s = miss(renew(place), pc, cfa, extra);
    return s ? s->id : 0;
}

const struct twatch_stack *tw_stack_python_slow(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uint64_t print) {
    struct tw_stack_entry *place = tw_stack_place(t, pc, cfa, print);
    for (uint32_t i = 0; i < TW_STACK_WAYS; i++) {
        if (!tw_stack_is(&place[i], pc, cfa, print)) continue;
        struct tw_stack_entry found = place[i];
        place[i] = place[0];
        place[0] = found; /* where it is looked for first */
        return found.stack;
    }
    return miss(renew(place), pc, cfa, print);
}

uint32_t tw_stack_again(struct tw_thread *t, uintptr_t pc, uintptr_t cfa) {
    uint64_t extra = TW_UNLIKELY(tw_python_active()) ? tw_python_fingerprint() : 0;
    const struct tw_stack_entry *place = tw_stack_place(t, pc, cfa, extra);
    /* Frame 0's own slot was overwritten by later calls; the caller runs on while its own return address stands. */
    for (uint32_t i = 0; i < TW_STACK_WAYS; i++)
        if (tw_stack_is(&place[i], pc, cfa, extra) && place[i].nslots > 1 && valid_from(t, &place[i], 1)) return place[i].stack->id;
    struct tw_unwound u;
    if (extra || !tw_unwind_again(&u, pc, cfa, depth)) return 0;
    const struct twatch_stack *s = intern(u.pc, u.n, u.cut ? TWATCH_STACK_CUT : 0u);
    return s ? s->id : 0;
}

uintptr_t tw_stack_slot_above(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uintptr_t address) {
    const struct tw_stack_entry *e = find(t, tw_stack_place(t, pc, cfa, 0), pc, cfa, 0);
    for (uint32_t i = 0; e && i < e->nslots; i++) {
        uintptr_t slot = e->cfa + (uintptr_t)e->slots[i];
        if (e->slots[i] != NO_SLOT && slot > address) return slot;
    }
    return 0;
}

static bool still_returns(const struct tw_thread *t, uintptr_t slot, uint64_t pc) {
    bool inside = slot >= t->stack_lo && slot + 8 <= t->stack_hi && slot % 8 == 0;
    return inside && tw_sys_readable((const void *)slot, 8) && *(const volatile uint64_t *)slot == pc;
}

bool tw_stack_frame_of(const struct tw_thread *other, uintptr_t address, uint64_t *pc, uintptr_t *top) {
    bool found = false;
    for (uint32_t k = 0; k < TW_STACKS; k++) {
        const struct tw_stack_entry e = other->stacks[k];
        const struct twatch_stack *s = e.stack;
        if (!e.pc || !s || !e.slots || e.cfa > address || e.nslots == 0 || e.nslots > s->nframes) continue;
        if (!tw_sys_readable(&e.slots[e.nslots - 1], sizeof *e.slots)) continue; /* it may just be changing */
        uint32_t n = 1; /* the first frame that is above the address */
        while (n < e.nslots && e.slots[n] != NO_SLOT && e.cfa + (uintptr_t)e.slots[n] <= address) n++;
        bool ends = n < e.nslots && e.slots[n] != NO_SLOT;
        uint32_t proof = ends ? n : n - 1; /* whose return address must stand there still */
        if (e.slots[proof] == NO_SLOT || !still_returns(other, e.cfa + (uintptr_t)e.slots[proof], s->pc[proof])) continue;
        *pc = s->pc[n - 1];
        *top = ends ? e.cfa + (uintptr_t)e.slots[n] + 8 : 0;
        if (ends) return true;
        found = true;
    }
    return found;
}

uint32_t tw_stack_at(struct tw_thread *t, const struct tw_stack_regs *regs, uint64_t *slots, uint32_t max_slots, uint32_t *nslots) {
    struct tw_stack_entry *place = tw_stack_place(t, regs->rip, regs->rsp, 0), *e = find(t, place, regs->rip, regs->rsp, 0);
    uint32_t id;
    if (e) {
        id = e->stack->id;
    } else {
        e = renew(place);
        struct tw_unwound u;
        if (!tw_unwind_regs(&u, regs, depth) || u.n == 0) u.pc[0] = regs->rip, u.n = 1, u.slot[0] = 0, u.cut = true;
        const struct twatch_stack *s = intern(u.pc, u.n, TWATCH_STACK_PRECISE0 | (u.cut ? TWATCH_STACK_CUT : 0u));
        u.slot[0] = regs->rsp; /* frame 0 has no slot: NO_SLOT is put in its place */
        if (s) remember(e, &u, s, regs->rip, regs->rsp, 0);
        if (e->pc) ((int32_t *)(uintptr_t)e->slots)[0] = NO_SLOT;
        id = s ? s->id : 0;
    }
    *nslots = e->pc == regs->rip && e->nslots - 1 <= max_slots ? e->nslots - 1 : 0;
    for (uint32_t i = 0; i < *nslots; i++) slots[i] = e->cfa + (uintptr_t)e->slots[i + 1];
    return id;
}

void tw_stack_init(void) {
    int64_t n = TW_CONFIG(stack_depth);
    depth = n < 1 ? 1 : n > TWATCH_MAX_FRAMES ? TWATCH_MAX_FRAMES : (uint32_t)n;
    tw_unwind_init();
}

void tw_stack_forked(void) {
    stream = (struct tw_stream){.kind = TWATCH_CHUNK_STACK};
    if (table) tw_sys_zero(table, table_size * sizeof *table);
    nstacks = 0;
    tw_python_forked();
    tw_unwind_forked();
}
