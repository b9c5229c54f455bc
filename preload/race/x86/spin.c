/*
 * Spin-wait loops. A loop is one when, between its head and a jump back to it, it reads exactly one place in shared
 * memory whose address the loop does not change, writes no shared memory, and calls nothing but functions that pass the
 * time. (The idea of ad-hoc synchronisation by spinning reads: Jannesari and Tichy, "Identifying ad-hoc synchronization
 * for enhanced race detection", 2010.)
 */
#define _GNU_SOURCE
#include "spin.h"

enum { LONGEST = 32 };

static const char *const pastimes[] = {
        "sched_yield", "usleep", "nanosleep", "clock_nanosleep", "pthread_yield", "thrd_yield", "thrd_sleep", "sleep"};

void x86_spin_prepare(struct x86_code *code) {
    x86_imports_find(code, &code->pastimes, pastimes, sizeof pastimes / sizeof *pastimes);
}

static int same_place(const struct x86_insn *a, const struct x86_insn *b) {
    if (a->base == X86_RIP && b->base == X86_RIP)
        return (int64_t)a->off + a->len + a->disp == (int64_t)b->off + b->len + b->disp;
    return a->base == b->base && a->index == b->index && a->scale == b->scale && a->disp == b->disp;
}

/* Registers whose value in the loop is that of a local variable: loaded from the stack, which the loop does not write.
 */
static uint16_t changed_regs(const struct x86_insn *x, uint32_t n, int stack_written) {
    uint16_t changed = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (x86_insn_is_call(&x[i])) {
            changed |= 0x0fc7; /* what a call may change: rax rcx rdx rsi rdi r8-r11 */
            continue;
        }
        int reload = x[i].cls == X86_STACK && (x[i].traits & X86_T_MOV) && x[i].access == 1 && !stack_written;
        if (!reload) changed |= x[i].writes;
    }
    return changed;
}

static void judge_loop(struct x86_code *code, struct x86_insn *x, uint32_t n) {
    const struct x86_insn *read = NULL;
    int stack_written = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (x86_insn_is_call(&x[i]) ? !x86_imports_called(code, &code->pastimes, &x[i])
                                    : x[i].kind == X86_IJMP || x[i].kind == X86_RET)
            return;
        stack_written |= x[i].cls == X86_STACK && (x[i].access & 2);
        if (x[i].cls == X86_LOCKED || x[i].cls == X86_STRING || x[i].cls == X86_THREAD || x[i].cls > X86_FENCED) return;
        if (x[i].cls != X86_GLOBAL && x[i].cls != X86_HEAP) continue;
        if (x86_insn_is_call(&x[i])) continue; /* the GOT */
        if ((x[i].access & 2) || (read && !same_place(read, &x[i]))) return;
        read = &x[i];
    }
    if (!read) return;
    uint16_t changed = changed_regs(x, n, stack_written);
    uint16_t own =
            0; /* the registers that the loop's reads load do not matter when the address is formed again each time */
    for (uint32_t i = 0; i < n; i++)
        if (x[i].cls == X86_STACK && (x[i].traits & X86_T_MOV) && x[i].access == 1 && !stack_written)
            own |= x[i].writes;
    if (x86_insn_address_regs(read) & changed & ~own) return;
    for (uint32_t i = 0; i < n; i++)
        if (x[i].cls == X86_GLOBAL || x[i].cls == X86_HEAP) x[i].spin = 1;
}

void x86_spin_find(struct x86_code *code, const struct x86_function *f) {
    struct x86_insn *insns = x86_code_insns(code);
    uint32_t n = x86_code_count(code);
    for (uint32_t i = 0; i < n; i++) {
        struct x86_insn *x = &insns[i];
        if ((x->kind != X86_JCC && x->kind != X86_JMP) || x->target < 0 || (uint32_t)x->target > x->off) continue;
        struct x86_insn *head = x86_code_insn(code, f, x->target);
        if (head && x - head < LONGEST) judge_loop(code, head, (uint32_t)(x - head) + 1);
    }
}
