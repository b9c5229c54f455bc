/*
 * Backward liveness of the general registers and the status flags over one function (Aho, Lam, Sethi, Ullman,
 * section 9.2.5).
 *
 * The ABI says that caller-saved registers are dead at a return, but gcc's -fipa-ra lets a caller keep one across a
 * call of a local function that is known not to touch it, and assembler code returns values in registers of its own
 * choice. So all registers count as read at a return; that costs a few more spills. Calls and unknown jumps read
 * everything too. The flags are dead across calls and returns; a function whose caller looks at them afterwards is left
 * alone (leaders.c).
 */
#define _GNU_SOURCE
#include "live.h"

enum { ROUNDS = 40 };

struct fact {
    uint16_t regs;
    uint8_t flags;
};

static const struct fact everything = {0xffff, X86_ALL_FLAGS};

static struct fact at_target(const struct x86_code *code, const struct x86_function *f, const struct x86_insn *x) {
    const struct x86_insn *to = x86_code_insn(code, f, x->target);
    return to ? (struct fact){to->live, to->flags_live} : everything;
}

static struct fact after(
        const struct x86_code *code, const struct x86_function *f, const struct x86_insn *x, int last) {
    switch (x->kind) {
    case X86_TRAP:
        return (struct fact){0, 0};
    case X86_RET:
    case X86_CALL:
    case X86_ICALL:
        return (struct fact){0xffff, 0};
    case X86_JMP:
        return at_target(code, f, x);
    case X86_IJMP:
    case X86_LOOP:
    case X86_ODD:
        return everything;
    default:
        break;
    }
    struct fact out = last ? everything : (struct fact){x[1].live, x[1].flags_live};
    if (x->kind == X86_JCC) {
        struct fact taken = at_target(code, f, x);
        out.regs |= taken.regs;
        out.flags |= taken.flags;
    }
    return out;
}

static int sweep(struct x86_code *code, const struct x86_function *f) {
    struct x86_insn *insns = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    int changed = 0;
    for (uint32_t i = n; i-- > 0;) {
        struct x86_insn *x = &insns[i];
        struct fact out = after(code, f, x, i + 1 == n);
        uint16_t regs = (uint16_t)((out.regs & ~x->kills) | x->reads);
        uint8_t flags = (uint8_t)((out.flags & ~x->flags_killed) | x->flags_read);
        changed |= regs != x->live || flags != x->flags_live;
        x->live = regs;
        x->flags_live = flags;
    }
    return changed;
}

void x86_live_compute(struct x86_code *code, const struct x86_function *f) {
    struct x86_insn *x = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    for (int round = 0; round < ROUNDS; round++)
        if (!sweep(code, f)) return;
    for (uint32_t i = 0; i < n; i++) {
        x[i].live = everything.regs;
        x[i].flags_live = everything.flags;
    }
}
