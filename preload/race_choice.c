#include "race_choice.h"

#include "race_insn.h"
#include "race_places.h"

enum { RECENT = 64, SUSPECTS = 64, SEEN = 1024, LEFT_ALONE = 1024, AHEAD = 12, CAUGHT_ENOUGH = 6 };

static uintptr_t recent[RECENT], suspects[SUSPECTS], left_alone[LEFT_ALONE];
static uint32_t nrecent, recent_next, nsuspects, suspect_next;
static struct seen {
    uintptr_t address;
    uint32_t thread, caught;
    bool written;
} seen[SEEN];

static uint32_t hash_of(uintptr_t a) {
    return (uint32_t)(tw_sys_mix(a) >> 20);
}

static struct seen *seen_of(uintptr_t a) {
    return &seen[hash_of(a) % SEEN];
}

static bool is_left_alone(uintptr_t a) {
    return left_alone[hash_of(a) % LEFT_ALONE] == a;
}

void tw_choice_leave_alone(uintptr_t a) {
    left_alone[hash_of(a) % LEFT_ALONE] = a;
}

static bool is_suspect(uintptr_t a) {
    for (uint32_t i = 0; i < nsuspects; i++)
        if (suspects[i] == a) return true;
    return false;
}

void tw_choice_use(uintptr_t a, uint32_t thread, uint32_t flags) {
    struct seen *s = seen_of(a);
    if (s->address == a && s->thread != thread && !is_suspect(a)) {
        suspects[suspect_next++ % SUSPECTS] = a;
        if (nsuspects < SUSPECTS) nsuspects++;
    }
    if (s->address != a) s->caught = s->written = 0;
    if (flags & TW_INSN_WRITE) s->written = true;
    s->address = a;
    s->thread = thread;
}

bool tw_choice_written(uintptr_t a) {
    return seen_of(a)->written;
}

void tw_choice_caught(uintptr_t a) {
    struct seen *s = seen_of(a);
    if (s->address == a && ++s->caught >= CAUGHT_ENOUGH) tw_choice_leave_alone(a);
}

/* ---- the next one */

static bool good(uintptr_t a, const uintptr_t *watched, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (watched[i] == a) return false;
    return a && !is_left_alone(a);
}

static uintptr_t pick_suspect(const uintptr_t *watched, uint32_t n) {
    static uint32_t turn;
    for (uint32_t i = 0; i < nsuspects; i++) {
        uintptr_t a = suspects[turn++ % nsuspects];
        if (good(a, watched, n)) return a;
    }
    return 0;
}

static uintptr_t pick_recent(const uintptr_t *watched, uint32_t n) {
    for (uint32_t i = 0; i < RECENT && recent_next != nrecent; i++) {
        if (nrecent - recent_next > RECENT) recent_next = nrecent - RECENT;
        uintptr_t a = recent[recent_next++ % RECENT];
        if (good(a, watched, n)) return a;
    }
    return 0;
}

uintptr_t tw_choice_next(uint32_t number, bool *suspect, const uintptr_t *watched, uint32_t n) {
    uintptr_t a = number < 2 ? pick_suspect(watched, n) : 0;
    *suspect = a != 0;
    if (!a && number < 3) a = pick_recent(watched, n);
    if (a) {
        tw_places_count(!tw_places_data(a), 0, 0);
        return a;
    }
    a = tw_places_next();
    return good(a, watched, n) ? a : 0;
}

/* ---- the interrupted thread */

void tw_choice_registers(const ucontext_t *uc, uint64_t *r) {
    static const uint8_t order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
            REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (int i = 0; i < 16; i++)
        r[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
}

static void candidate(const struct tw_thread *t, uintptr_t a, const struct tw_race_insn *insn) {
    if (a < TWATCH_PAGE || a >> 47 || (a >= t->stack_lo && a < t->stack_hi)) return;
    if (insn->flags & TW_INSN_ATOMIC) {
        tw_choice_leave_alone(a);
        return;
    }
    if (is_left_alone(a)) return;
    tw_choice_use(a, t->id, insn->flags);
    recent[nrecent++ % RECENT] = a;
}

/* Registers may have changed until the thread comes there: a wrong address costs a watchpoint for a moment, no more. */
void tw_choice_ahead(const struct tw_thread *t, const ucontext_t *uc) {
    uint64_t regs[16];
    uintptr_t pc = tw_choice_pc(uc), text;
    uint32_t changed = 0;
    bool turned = false;
    tw_choice_registers(uc, regs);
    for (int i = 0; i < AHEAD && tw_places_code(pc, &text) && tw_places_code(pc + TW_INSN_MAX, &text); i++) {
        struct tw_race_insn insn;
        if (!tw_race_insn((const uint8_t *)pc, TW_INSN_MAX, &insn) || insn.jumps == 1) return;
        bool known = !(changed & (1u << insn.base | 1u << insn.index) & 0xffff);
        if (insn.flags && known && !(insn.flags & TW_INSN_STRING)) {
            uintptr_t a = tw_race_insn_address(&insn, pc, regs);
            if (insn.base != TW_INSN_RIP || tw_places_data(a)) candidate(t, a, &insn);
        }
        changed |= 1u << insn.loads;
        pc += insn.length;
        if (insn.jumps != 2 || insn.disp >= 0) continue;
        if (turned) return;
        turned = true;
        pc += (uintptr_t)insn.disp;
    }
}
