/*
 * Which instruction of a check it is that faulted, and going on as if it had read zeros. The bytes are compared with
 * what check.c writes, and not only their opcode: the program has loads of the same form, and its own faults are its
 * own.
 *
 *     mov r, [r]; cmp r, fs:[epoch or bias]
 *     mov s, fs:[epoch]; cmp [r], s; jne detour; cmp [r + 8], s; jne detour ...
 */
#define _GNU_SOURCE
#include "module.h"

enum { FS_MOVE = 9, JNE = 6, GREGS = 40, PC = 168, EFLAGS = 176, ZERO_FLAG = 1 << 6, REX_WIDE = 8 };

struct operand {
    unsigned reg, base, disp, length, wide;
};

/* [rex] opcode reg, [base + disp8]: as op_memory in check.c writes it. 0 when p is something else. */
static int parse(const uint8_t *p, uint8_t opcode, struct operand *o) {
    const uint8_t *start = p;
    unsigned rex = (*p & 0xf0) == 0x40 ? *p++ : 0;
    if (*p++ != opcode || *p >> 6 > 1) return 0;
    unsigned modrm = *p++, with_disp = modrm >> 6;
    if ((modrm & 7) == 4 && *p++ != 0x24) return 0;
    if ((modrm & 0xc7) == 5) return 0; /* relative to rip */
    o->reg = (modrm >> 3 & 7) | (rex & 4) << 1;
    o->base = (modrm & 7) | (rex & 1) << 3;
    o->wide = (rex & REX_WIDE) != 0;
    o->disp = with_disp ? *p++ : 0;
    o->length = (unsigned)(p - start);
    return 1;
}

/* Is p "opcode reg, fs:[offset]"? */
static int uses_fs(const uint8_t *p, uint8_t opcode, const struct operand *o, int32_t offset) {
    unsigned rex = 0x40u | (o->wide ? REX_WIDE : 0) | (o->reg >> 3) << 2;
    int32_t found;
    if (*p++ != 0x64 || (rex != 0x40 && *p++ != rex)) return 0;
    if (p[0] != opcode || p[1] != (0x04 | (o->reg & 7) << 3) || p[2] != 0x25) return 0;
    memcpy(&found, p + 3, sizeof found);
    return found == offset;
}

static int is_load(const uint8_t *p, struct operand *o) {
    const struct x86_layout *l = &x86_engine.config.layout;
    if (!parse(p, 0x8b, o) || o->reg != o->base || o->disp) return 0;
    return uses_fs(p + o->length, 0x3b, o, l->epoch) || (!o->wide && uses_fs(p + o->length, 0x3b, o, l->bias));
}

static int is_compare(const uint8_t *p, const uint8_t *lowest, struct operand *o) {
    if (!parse(p, 0x39, o) || !o->wide || o->disp % 8 || o->disp > 24) return 0;
    if (p[o->length] != 0x0f || p[o->length + 1] != 0x85) return 0;
    unsigned with_disp = 4 + ((o->base & 7) == 4), first = with_disp - ((o->base & 7) != 5), k = o->disp / 8;
    size_t before = FS_MOVE + (k ? first + JNE + (k - 1) * (with_disp + JNE) : 0);
    return (size_t)(p - lowest) >= before && uses_fs(p - before, 0x8b, o, x86_engine.config.layout.epoch);
}

static uint64_t *greg(void *ucontext, unsigned reg) {
    static const uint8_t at[16] = {13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7}; /* REG_RAX ... REG_R15 */
    return (uint64_t *)((char *)ucontext + GREGS) + at[reg];
}

int x86_check_at(uintptr_t pc, void *ucontext, uintptr_t *cell, int skip) {
    const struct x86_module *m = x86_module_of_code(pc);
    if (!m) return 0;
    const uint8_t *p = (const uint8_t *)pc;
    struct operand o;
    int load = is_load(p, &o);
    if (!load && !is_compare(p, m->code, &o)) return 0;
    *cell = *greg(ucontext, o.base) + o.disp;
    if (!skip) return 1;
    if (load)
        *greg(ucontext, o.reg) = 0;
    else
        *(uint64_t *)((char *)ucontext + EFLAGS) &= ~(uint64_t)ZERO_FLAG;
    *(uint64_t *)((char *)ucontext + PC) = pc + o.length;
    return 1;
}
