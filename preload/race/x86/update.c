/*
 * Updates: in one run, a mov loads a place, what it loaded flows into a register, and a mov stores that register to the
 * same place. Such movs are no atomic load and atomic store, however much each alone looks like one.
 */
#define _GNU_SOURCE
#include "update.h"

enum { REACH = 24 };

/* The registers of x's operand, after which it may differ. */
static int operand_changed(const struct x86_insn *x, uint32_t from, uint32_t to) {
    uint16_t regs = x86_insn_address_regs(&x[from]);
    for (uint32_t i = from; i < to; i++)
        if (x[i].writes & regs) return 1;
    return 0;
}

static int same_operand(const struct x86_insn *a, const struct x86_insn *b) {
    if (a->base != b->base || a->index != b->index || a->size != b->size) return 0;
    if (a->base == X86_RIP) return (int64_t)a->off + a->len + a->disp == (int64_t)b->off + b->len + b->disp;
    return a->disp == b->disp && (a->index == X86_NOREG || a->scale == b->scale);
}

/* Unoptimised code loads a pointer from its stack slot anew each time: the load that gave x[at] its base, or -1. */
static int64_t reload_of_base(const struct x86_insn *x, uint32_t at) {
    if (x[at].base >= 16 || x[at].index != X86_NOREG) return -1;
    for (uint32_t i = at; i-- > 0 && at - i < REACH;) {
        if (!(x[i].writes & X86_BIT(x[at].base))) continue;
        return x[i].cls == X86_STACK && (x[i].traits & X86_T_MOV) && x[i].access == 1 && x[i].size == 8 ? (int64_t)i
                                                                                                        : -1;
    }
    return -1;
}

static int same_pointer(const struct x86_insn *x, uint32_t load, uint32_t store) {
    int64_t a = reload_of_base(x, load), b = reload_of_base(x, store);
    if (a < 0 || b < 0 || x[load].disp != x[store].disp || x[load].size != x[store].size || !same_operand(&x[a], &x[b]))
        return 0;
    for (int64_t i = a; i < b; i++) {
        int overwritten =
                x[i].cls == X86_STACK && (x[i].access & 2) && x[i].base == x[a].base && x[i].disp == x[a].disp;
        if (overwritten || ((x[i].writes & x86_insn_address_regs(&x[a])) != 0)) return 0;
    }
    return 1;
}

static int is_plain(const struct x86_insn *x, int access) {
    return (x->cls == X86_GLOBAL || x->cls == X86_HEAP) && (x->traits & X86_T_MOV) && x->access == access;
}

/* Follows the loaded value through the run; the index of the store that ends the update, or -1. */
static int64_t store_of(const struct x86_insn *x, uint32_t n, uint32_t load) {
    uint16_t carries = x[load].writes;
    for (uint32_t i = load + 1; i < n && i - load < REACH && carries; i++) {
        if (x[i].traits & X86_T_BARRIER) return -1;
        uint16_t source = (uint16_t)(x[i].reads & ~x86_insn_address_regs(&x[i]));
        if (is_plain(&x[i], 2) && (source & carries)) {
            int same = same_operand(&x[load], &x[i]) && !operand_changed(x, load, i);
            if (same || same_pointer(x, load, i)) return i;
        }
        if (x[i].reads & carries) {
            carries |= x[i].writes;
        } else {
            carries = (uint16_t)(carries & ~x[i].kills);
        }
    }
    return -1;
}

void x86_updates_find(struct x86_insn *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!is_plain(&x[i], 1)) continue;
        int64_t store = store_of(x, n, i);
        if (store < 0) continue;
        x[i].update = 1;
        x[store].update = 1;
    }
}
