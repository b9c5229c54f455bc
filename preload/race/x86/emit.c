/* Writing machine code. */
#define _GNU_SOURCE
#include "emit.h"

void x86_emit_fs(struct x86_emitter *e, uint8_t opcode, unsigned reg, int32_t offset, int wide) {
    x86_put8(e, 0x64);
    unsigned rex = (wide ? 0x48u : 0x40u) | (reg >> 3) << 2;
    if (rex != 0x40) x86_put8(e, rex);
    x86_put8(e, opcode);
    x86_put8(e, 0x04 | (reg & 7) << 3);
    x86_put8(e, 0x25);
    x86_put32(e, (uint32_t)offset);
}

void x86_emit_slot(struct x86_emitter *e, int load, unsigned reg, unsigned slot) {
    x86_emit_fs(e, load ? 0x8b : 0x89, reg, e->config->layout.slots + (int32_t)(8 * slot), 1);
}

static unsigned scale_bits(unsigned scale) {
    return scale == 8 ? 3 : scale == 4 ? 2 : scale == 2 ? 1 : 0;
}

static void lea_rip(struct x86_emitter *e, unsigned reg, const struct x86_insn *x, int down) {
    uint64_t to = x86_insn_rip_target(e->code->image, x);
    x86_put8(e, 0x48 | (reg >> 3) << 2);
    x86_put8(e, 0x8d);
    x86_put8(e, 0x05 | (reg & 7) << 3);
    x86_put_rel(e, down ? to & ~3ull : to, 0);
}

void x86_emit_lea(struct x86_emitter *e, unsigned reg, const struct x86_insn *x, int32_t rsp_shift, int down) {
    unsigned base = x->base, index = x->index;
    int32_t disp = x->disp + (base == X86_RSP ? rsp_shift : 0);
    if (base == X86_RIP) {
        lea_rip(e, reg, x, down);
        return;
    }
    if (base < 16 && index == X86_NOREG && disp == 0) { /* mov reg, base */
        x86_put8(e, 0x48 | base >> 3 | (reg >> 3) << 2);
        x86_put8(e, 0x8b);
        x86_put8(e, 0xc0 | (reg & 7) << 3 | (base & 7));
        return;
    }
    unsigned has_index = index < 16;
    x86_put8(e, 0x48 | (reg >> 3) << 2 | (has_index ? (index >> 3) << 1 : 0) | (base < 16 ? base >> 3 : 0));
    x86_put8(e, 0x8d);
    unsigned sib = scale_bits(x->scale) << 6 | (has_index ? index & 7 : 4) << 3;
    if (base >= 16) {
        x86_put8(e, 0x04 | (reg & 7) << 3);
        x86_put8(e, sib | 5);
        x86_put32(e, (uint32_t)disp);
        return;
    }
    int is_short = disp == (int8_t)disp;
    unsigned mod = is_short ? 0x40 : 0x80;
    if (has_index || (base & 7) == 4) {
        x86_put8(e, mod | (reg & 7) << 3 | 4);
        x86_put8(e, sib | (base & 7));
    } else {
        x86_put8(e, mod | (reg & 7) << 3 | (base & 7));
    }
    if (is_short) {
        x86_put8(e, (uint8_t)disp);
    } else {
        x86_put32(e, (uint32_t)disp);
    }
}

void x86_emit_copy(struct x86_emitter *e, const struct x86_insn *x) {
    uint32_t start = e->at;
    x86_put_bytes(e, e->code->image->text + x->off, x->len);
    if (x->base == X86_RIP && x->disp_size == 4) {
        uint32_t end = e->at;
        e->at = start + x->disp_at;
        x86_put_rel(e, x86_insn_rip_target(e->code->image, x), x->len - x->disp_at - 4u);
        e->at = end;
    }
}
