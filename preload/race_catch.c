#include "race_catch.h"

#include "held.h"
#include "modules.h"
#include "race_host.h"
#include "race_places.h"

enum { PAIRS = 1024, ROOM_TO_UNWIND = 16 * 1024, RBX = 3, RSP = 4, RBP = 5 };

static struct pair {
    uintptr_t pc[2];
    struct twatch_race *element;
} pairs[PAIRS];
static uint32_t npairs;
static struct tw_lock lock;

static uint32_t stack_of(struct tw_thread *t, uintptr_t pc, const uint64_t *g) {
    uint64_t slots[1], alone = pc;
    uint32_t n = 0;
    uintptr_t sp = (uintptr_t)&slots;
    if (sp > t->stack_lo && sp < t->stack_hi && sp - t->stack_lo < ROOM_TO_UNWIND)
        return tw_stack_intern(&alone, 1, TWATCH_STACK_PRECISE0 | TWATCH_STACK_CUT);
    return tw_stack_at(t,
            &(struct tw_stack_regs){.rbx = g[RBX],
                    .rbp = g[RBP],
                    .r12 = g[12],
                    .r13 = g[13],
                    .r14 = g[14],
                    .r15 = g[15],
                    .rsp = g[RSP],
                    .rip = pc},
            slots, 0, &n);
}

void tw_catch_side(struct tw_thread *t, struct tw_catch_side *side, const struct tw_race_insn *insn, uintptr_t pc,
        uintptr_t watched, const uint64_t *regs, uintptr_t rip) {
    uintptr_t address = tw_race_insn_address(insn, pc, regs);
    if (insn->flags & TW_INSN_STRING || watched - address >= insn->size)
        address = watched; /* its base has changed since */
    *side = (struct tw_catch_side){
            .thread = t->id, .pc = pc, .address = address, .size = insn->size, .flags = insn->flags};
    side->stack = stack_of(t, pc == rip ? rip : pc, regs);
    for (uint32_t i = 0; i < t->slot->nheld && side->nlocks < TW_CATCH_LOCKS; i++)
        if (t->held[i].address) side->locks[side->nlocks++] = tw_held_resolve(t, &t->held[i]);
}

static uint32_t flags_of(const struct tw_catch_side *s) {
    uint32_t f = 0;
    if (s->flags & TW_INSN_WRITE) f |= TWATCH_RACE_WRITE;
    if (s->flags & TW_INSN_STRING) return f | TWATCH_RACE_RANGE;
    if ((s->flags & (TW_INSN_READ | TW_INSN_WRITE)) == (TW_INSN_READ | TW_INSN_WRITE)) f |= TWATCH_RACE_RMW;
    if (s->flags & TW_INSN_MOV && s->address % s->size == 0) f |= TWATCH_RACE_ALIGNED_MOV;
    return f;
}

static void find_where(struct twatch_race *e, uintptr_t address) {
    for (uint32_t i = 1, n = tw_thread_slots(); i <= n; i++) {
        const struct twatch_slot *s = tw_thread_slot(i);
        const struct tw_thread *t = s && s->thread ? tw_thread_private(i) : NULL;
        if (!t || address < t->stack_lo || address >= t->stack_hi) continue;
        e->where = TWATCH_WHERE_STACK;
        e->owner_thread = s->thread;
        return;
    }
    if (tw_places_data(address) || tw_modules_find(address)) e->where = TWATCH_WHERE_GLOBAL;
}

static void fill(struct twatch_race_side *to, const struct tw_catch_side *from, uint32_t *locks) {
    to->thread = from->thread;
    to->stack = from->stack;
    to->pc = from->pc;
    to->address = from->address;
    to->size = from->size;
    to->flags = flags_of(from);
    to->nlocks = from->nlocks;
    for (uint32_t i = 0; i < from->nlocks; i++)
        locks[i] = from->locks[i];
}

/* Under lock. */
static struct twatch_race *write_pair(
        const struct tw_catch_side *earlier, const struct tw_catch_side *later, uintptr_t watched) {
    size_t bytes = sizeof(struct twatch_race) + (earlier->nlocks + later->nlocks) * sizeof(uint32_t);
    struct twatch_race *e = tw_race_host_record(TWATCH_CHUNK_RACE, bytes);
    if (!e) return NULL;
    e->size = (uint32_t)((bytes + 7) & ~(size_t)7);
    e->flags = TWATCH_RACE_SAMPLED;
    e->count = 1;
    e->first_ns = tw_sys_now();
    fill(&e->side[0], earlier, e->locks);
    fill(&e->side[1], later, e->locks + earlier->nlocks);
    find_where(e, watched);
    tw_race_host_recorded(e);
    return e;
}

void tw_catch(const struct tw_catch_side *earlier, const struct tw_catch_side *later, uintptr_t watched) {
    uintptr_t lo = earlier->pc < later->pc ? earlier->pc : later->pc, hi = earlier->pc ^ later->pc ^ lo;
    tw_lock_take(&lock);
    uint32_t i = 0;
    while (i < npairs && (pairs[i].pc[0] != lo || pairs[i].pc[1] != hi))
        i++;
    if (i < npairs) {
        if (pairs[i].element) pairs[i].element->count++;
    } else if (i < PAIRS) {
        pairs[npairs++] = (struct pair){{lo, hi}, write_pair(earlier, later, watched)};
    }
    tw_lock_give(&lock);
}

void tw_catch_forked(void) {
    npairs = 0;
    lock = (struct tw_lock){0};
}
