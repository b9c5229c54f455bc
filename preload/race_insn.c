#include "race_insn.h"

enum { R = TW_INSN_READ, W = TW_INSN_WRITE, RW = TW_INSN_READ | TW_INSN_WRITE, MOV = TW_INSN_MOV };
enum { RDI = 7, RSI = 6, FAST_STRING = 128 };

struct decoder {
    const uint8_t *at, *end;
    struct tw_race_insn *out;
    uint8_t rex, prefix66, rep, lock, segment, vex, map, op, modrm, wide; /* rep: 0xf2, 0xf3 or 0 */
    bool bad;
};

static uint8_t next(struct decoder *d) {
    if (d->at >= d->end) {
        d->bad = true;
        return 0;
    }
    return *d->at++;
}

static int64_t number(struct decoder *d, unsigned bytes) {
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)next(d) << 8 * i;
    return bytes == 1 ? (int8_t)v : bytes == 4 ? (int32_t)v : (int64_t)v;
}

static void prefixes(struct decoder *d) {
    for (;; d->at++) {
        if (d->at >= d->end) return;
        switch (*d->at) {
        case 0x66:
            d->prefix66 = 1;
            continue;
        case 0xf0:
            d->lock = 1;
            continue;
        case 0xf2:
        case 0xf3:
            d->rep = *d->at;
            continue;
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x26:
            continue;
        case 0x64:
        case 0x65:
            d->segment = 1;
            continue;
        case 0x67:
            d->bad = true;
            return;
        default:
            break;
        }
        if ((*d->at & 0xf0) == 0x40) d->rex = *d->at++;
        return;
    }
}

/* ModRM, SIB and displacement. True if the operand is in memory. */
static bool operand(struct decoder *d) {
    struct tw_race_insn *o = d->out;
    d->modrm = next(d);
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
    if (mod == 3) return false;
    o->base = (uint8_t)(rm | (d->rex & 1u) << 3);
    if (rm == 4) {
        uint8_t sib = next(d);
        o->scale = sib >> 6;
        o->index = (uint8_t)((sib >> 3 & 7) | (d->rex & 2u) << 2);
        if (o->index == 4) o->index = TW_INSN_NOREG;
        o->base = (uint8_t)((sib & 7) | (d->rex & 1u) << 3);
        if ((sib & 7) == 5 && mod == 0) {
            o->base = TW_INSN_NOREG;
            o->disp = number(d, 4);
            return true;
        }
    } else if (rm == 5 && mod == 0) {
        o->base = TW_INSN_RIP;
        o->disp = number(d, 4);
        return true;
    }
    if (mod) o->disp = number(d, mod == 1 ? 1 : 4);
    return true;
}

static uint8_t word(const struct decoder *d) {
    return d->wide ? 8 : d->prefix66 ? 2 : 4;
}
static unsigned reg(const struct decoder *d) {
    return d->modrm >> 3 & 7;
}

static void access(struct decoder *d, unsigned flags, unsigned size) {
    d->out->flags = (uint8_t)flags;
    d->out->size = (uint8_t)size;
}

static void loads(struct decoder *d) {
    d->out->loads = (uint8_t)(reg(d) | (d->rex & 4u) << 1);
}

/* x87, by opcode D8 to DF and the register field: size, and whether it is a store. False: a state image. */
static bool float_access(struct decoder *d) {
    static const uint8_t sizes[8][8] = {{4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, 4, 4, 0, 2, 0, 2}, {4, 4, 4, 4, 4, 4, 4, 4},
            {4, 4, 4, 4, 0, 10, 0, 10}, {8, 8, 8, 8, 8, 8, 8, 8}, {8, 8, 8, 8, 0, 0, 0, 2}, {2, 2, 2, 2, 2, 2, 2, 2},
            {2, 2, 2, 2, 10, 8, 10, 8}};
    static const uint8_t stores[8] = {0, 0x8c, 0, 0x8e, 0, 0x8e, 0, 0xce};
    uint8_t size = sizes[d->op - 0xd8][reg(d)];
    access(d, stores[d->op - 0xd8] >> reg(d) & 1 ? W : R, size);
    return size != 0;
}

/* The memory operand of a one-byte opcode. False: refused. */
static bool one_byte_access(struct decoder *d) {
    uint8_t op = d->op, size = op & 1 ? word(d) : 1;
    if (op < 0x40) {
        access(d, (op & 7) < 2 && op < 0x38 ? RW : R, size);
        if (op & 2) loads(d);
        return true;
    }
    if (op >= 0xd8 && op <= 0xdf) return float_access(d);
    switch (op) {
    case 0x63:
        access(d, R | MOV, 4);
        loads(d);
        return true;
    case 0x69:
    case 0x6b:
        access(d, R, word(d));
        loads(d);
        return true;
    case 0x80:
    case 0x81:
    case 0x83:
        access(d, reg(d) == 7 ? R : RW, size);
        return true;
    case 0x84:
    case 0x85:
        access(d, R, size);
        return true;
    case 0x86:
    case 0x87:
        access(d, RW | TW_INSN_ATOMIC, size);
        loads(d);
        return true;
    case 0x88:
    case 0x89:
    case 0xc6:
    case 0xc7:
        access(d, W | MOV, size);
        return true;
    case 0x8a:
    case 0x8b:
        access(d, R | MOV, size);
        loads(d);
        return true;
    case 0x8c:
        access(d, W, 2);
        return true;
    case 0x8d:
        return true; /* lea */
    case 0x8e:
        access(d, R, 2);
        return true;
    case 0x8f:
        access(d, W, 8);
        return true;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        access(d, RW, size);
        return true;
    case 0xf6:
    case 0xf7:
        access(d, reg(d) == 2 || reg(d) == 3 ? RW : R, size);
        return true;
    case 0xfe:
        access(d, RW, 1);
        return reg(d) < 2;
    case 0xff:
        access(d, reg(d) < 2 ? RW : R, reg(d) < 2 ? word(d) : 8);
        return reg(d) < 3 || reg(d) == 4 || reg(d) == 6;
    default:
        return false;
    }
}

static bool has_modrm(uint8_t op) {
    if (op < 0x40) return (op & 7) < 4;
    if (op >= 0x80 && op <= 0x8f) return op != 0x82;
    if (op >= 0xd0 && op <= 0xdf) return op < 0xd4 || op > 0xd7;
    return op == 0x63 || op == 0x69 || op == 0x6b || op == 0xc0 || op == 0xc1 || op == 0xc6 || op == 0xc7 ||
           op == 0xf6 || op == 0xf7 || op >= 0xfe;
}

/* Bytes of the immediate of a one-byte opcode; -1: refused. */
static int immediate(const struct decoder *d) {
    uint8_t op = d->op;
    int full = d->prefix66 && !d->wide ? 2 : 4;
    if (op < 0x40) return (op & 7) < 4 ? 0 : (op & 7) == 4 ? 1 : (op & 7) == 5 ? full : -1;
    if (op >= 0x50 && op <= 0x5f) return 0;
    if ((op >= 0x70 && op <= 0x7f) || (op >= 0xb0 && op <= 0xb7) || (op >= 0xe0 && op <= 0xe3)) return 1;
    if (op >= 0xb8 && op <= 0xbf) return d->wide ? 8 : full;
    if (op >= 0x90 && op <= 0x99) return 0;
    if (op >= 0xa0 && op <= 0xa3) return 8;
    if ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf)) return 0;
    switch (op) {
    case 0x68:
    case 0x69:
    case 0x81:
    case 0xa9:
    case 0xc7:
        return full;
    case 0x6a:
    case 0x6b:
    case 0x80:
    case 0x83:
    case 0xa8:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xeb:
        return 1;
    case 0xe8:
    case 0xe9:
        return 4;
    case 0xc2:
        return 2;
    case 0xf6:
        return reg(d) < 2;
    case 0xf7:
        return reg(d) < 2 ? full : 0;
    case 0xc3:
    case 0xc9:
    case 0x9b:
    case 0x9c:
    case 0x9d:
    case 0x9e:
    case 0x9f:
    case 0xf5:
    case 0xf8:
    case 0xf9:
    case 0xfc:
    case 0xfd:
        return 0;
    default:
        return has_modrm(op) ? 0 : -1;
    }
}

static bool one_byte(struct decoder *d) {
    struct tw_race_insn *o = d->out;
    uint8_t op = d->op;
    if (has_modrm(op) && operand(d) && !one_byte_access(d)) return false;
    int bytes = immediate(d);
    if (bytes < 0) return false;
    int64_t value = number(d, (unsigned)bytes);
    o->jumps = (op >= 0x70 && op <= 0x7f) || op == 0xc2 || op == 0xc3 || (op >= 0xe0 && op <= 0xe3) ||
               (op >= 0xe8 && op <= 0xeb) || (op == 0xff && reg(d) >= 2 && reg(d) <= 5);
    if ((op >= 0x70 && op <= 0x7f) || op == 0xe9 || op == 0xeb) {
        o->jumps = 2;
        o->disp = value;
    }
    if (op >= 0xa0 && op <= 0xa3) {
        o->disp = value;
        access(d, (op & 2 ? W : R) | MOV, op & 1 ? word(d) : 1);
    }
    if ((op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf))
        access(d, TW_INSN_STRING | (op < 0xac && (op & 0xe) != 6 ? W : R), op & 1 ? word(d) : 1);
    return true;
}

static bool vector_has_immediate(uint8_t op) {
    return (op >= 0x70 && op <= 0x73) || op == 0xa4 || op == 0xac || op == 0xba || op == 0xc2 ||
           (op >= 0xc4 && op <= 0xc6);
}

static unsigned vector_size(const struct decoder *d) {
    if (d->rep) return d->rep == 0xf3 ? 4 : 8;
    return d->vex & 4 ? 32 : 16; /* bit 2 of our vex byte: 256 bits */
}

/* The memory operand of 0F xx (and of VEX map 1). False: refused. */
static bool two_byte_access(struct decoder *d) {
    uint8_t op = d->op;
    if (op >= 0x40 && op <= 0x4f && !d->vex) {
        access(d, R, word(d));
        loads(d);
        return true;
    }
    if (op >= 0x90 && op <= 0x9f) {
        access(d, W, 1);
        return !d->vex;
    }
    switch (op) {
    case 0x0d:
    case 0x18:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f:
        return true; /* prefetches and long nops */
    case 0x10:
        access(d, R, vector_size(d));
        return true;
    case 0x11:
        access(d, W, vector_size(d));
        return true;
    case 0x12:
    case 0x16:
        access(d, R, 8);
        return true;
    case 0x13:
    case 0x17:
    case 0xd6:
        access(d, W, 8);
        return true;
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xe7:
        access(d, W, d->vex & 4 ? 32 : d->prefix66 || d->rep || op < 0x70 ? 16 : 8);
        return true;
    case 0x2a:
        access(d, R, d->prefix66 || !d->rep ? 8 : word(d));
        return true;
    case 0x6e:
        access(d, R, d->wide ? 8 : 4);
        return true;
    case 0x7e:
        access(d, d->rep == 0xf3 ? R : W, d->rep == 0xf3 || d->wide ? 8 : 4);
        return true;
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad:
        access(d, RW, word(d));
        return true;
    case 0xae:
        access(d, reg(d) == 2 ? R : W, 4);
        return reg(d) == 2 || reg(d) == 3;
    case 0xaf:
    case 0xb8:
    case 0xbc:
    case 0xbd:
        access(d, R, word(d));
        loads(d);
        return true;
    case 0xb0:
    case 0xc0:
        access(d, RW, 1);
        return true;
    case 0xb1:
    case 0xc1:
        access(d, RW, word(d));
        return true;
    case 0xb6:
    case 0xbe:
        access(d, R | MOV, 1);
        loads(d);
        return true;
    case 0xb7:
    case 0xbf:
        access(d, R | MOV, 2);
        loads(d);
        return true;
    case 0xba:
        access(d, reg(d) == 4 ? R : RW, word(d));
        return reg(d) >= 4;
    case 0xc3:
        access(d, W | MOV, d->wide ? 8 : 4);
        return true;
    case 0xc4:
        access(d, R, 2);
        return true;
    case 0xc7:
        access(d, RW, d->wide ? 16 : 8);
        return reg(d) == 1;
    default:
        break;
    }
    bool plain = op == 0x14 || op == 0x15 || op == 0x28 || (op >= 0x2c && op <= 0x2f) || (op >= 0x51 && op <= 0x70) ||
                 (op >= 0x74 && op <= 0x76) || op == 0x7c || op == 0x7d || op == 0xc2 || op == 0xc6 ||
                 (op >= 0xd0 && op <= 0xfe);
    bool mmx = !d->vex && !d->prefix66 && !d->rep && op >= 0x60;
    if (plain) access(d, R, mmx ? 8 : op == 0x2e || op == 0x2f ? d->prefix66 ? 8 : 4 : vector_size(d));
    return plain;
}

static bool two_byte(struct decoder *d) {
    uint8_t op = d->op;
    if (!d->vex) {
        if (op >= 0x80 && op <= 0x8f) {
            d->out->jumps = 2;
            d->out->disp = number(d, 4);
            return true;
        }
        if ((op >= 0xc8 && op <= 0xcf) || op == 0x31 || op == 0xa2 || op == 0x77) return true;
        if (op == 0x05 || op == 0x0b) return false;
        if (op == 0xa3 || op == 0xab || op == 0xb3 || op == 0xbb)
            return !operand(d); /* bit strings reach beyond the operand */
    } else if (op == 0x77) {
        return true;
    }
    if (op < 0x0d || (op >= 0x20 && op <= 0x27) || (op >= 0x30 && op <= 0x3f) || op == 0xa0 || op == 0xa1 ||
            op == 0xa8 || op == 0xa9 || op == 0xaa)
        return false;
    if (operand(d) && !two_byte_access(d)) return false;
    if (vector_has_immediate(op)) number(d, 1);
    return true;
}

static bool three_byte(struct decoder *d) {
    uint8_t op = d->op;
    if (d->map == 2 && d->vex && ((op >= 0x2c && op <= 0x2f) || op == 0x8c || op == 0x8e || (op >= 0x90 && op <= 0x93)))
        return false;
    bool memory = operand(d), extract = d->vex && (op == 0x19 || op == 0x39 || op == 0x1d),
         store = d->map == 3 && ((op >= 0x14 && op <= 0x17) || extract);
    if (memory && d->map == 2 && !d->vex && (op & 0xfe) == 0xf0)
        access(d, op == 0xf1 && !d->rep ? W : R, op == 0xf0 && d->rep ? 1 : word(d));
    else if (memory)
        access(d, store ? W : R, store && !extract ? 1u << (op & 3) : vector_size(d));
    if (d->map == 3) number(d, 1);
    return true;
}

/* The two and three byte forms; what a legacy prefix would say is in the byte. */
static bool vex(struct decoder *d, uint8_t first) {
    uint8_t a = next(d), b = a;
    if (d->rex || d->prefix66 || d->rep || d->lock) return false;
    d->map = 1;
    if (first == 0xc4) {
        d->map = a & 31;
        b = next(d);
        d->wide = b >> 7;
        d->rex = (uint8_t)(0x40 | (~a >> 5 & 7));
    } else {
        d->rex = (uint8_t)(0x40 | (~a >> 5 & 4));
    }
    static const uint8_t reps[4] = {0, 0, 0xf3, 0xf2};
    d->prefix66 = (b & 3) == 1;
    d->rep = reps[b & 3];
    d->vex = (uint8_t)(1 | (b & 4));
    d->op = next(d);
    return d->map == 1 ? two_byte(d) : (d->map == 2 || d->map == 3) && three_byte(d);
}

static bool body(struct decoder *d) {
    d->op = next(d);
    if (d->op == 0xc4 || d->op == 0xc5) return vex(d, d->op);
    d->wide = d->rex >> 3 & 1;
    if (d->op != 0x0f) return one_byte(d);
    d->op = next(d);
    d->map = d->op == 0x38 ? 2 : d->op == 0x3a ? 3 : 1;
    if (d->map == 1) return two_byte(d);
    d->op = next(d);
    return three_byte(d);
}

bool tw_race_insn(const uint8_t *code, size_t room, struct tw_race_insn *out) {
    *out = (struct tw_race_insn){.base = TW_INSN_NOREG, .index = TW_INSN_NOREG, .loads = TW_INSN_NOREG};
    struct decoder d = {.at = code, .end = code + (room < TW_INSN_MAX ? room : TW_INSN_MAX), .out = out};
    prefixes(&d);
    if (d.bad || !body(&d) || d.bad) return false;
    if (d.segment && out->flags) return false;
    if (d.lock) {
        if (!(out->flags & W)) return false;
        out->flags |= TW_INSN_ATOMIC;
    }
    out->length = (uint8_t)(d.at - code);
    return true;
}

uintptr_t tw_race_insn_address(const struct tw_race_insn *insn, uintptr_t pc, const uint64_t *regs) {
    uint64_t a = (uint64_t)insn->disp;
    if (insn->base == TW_INSN_RIP) a += pc + insn->length;
    if (insn->base < TW_INSN_NOREG) a += regs[insn->base];
    if (insn->index < TW_INSN_NOREG) a += regs[insn->index] << insn->scale;
    return a;
}

/* Which of its operands a string operation has just passed; what both may be is left open. */
static bool string_touched(struct tw_race_insn *i, uintptr_t address, const uint64_t *regs) {
    bool from = address - (regs[RSI] - FAST_STRING) < 2 * FAST_STRING,
         to = address - (regs[RDI] - FAST_STRING) < 2 * FAST_STRING;
    if (from == to) return false;
    i->flags = (uint8_t)(TW_INSN_STRING | (to ? i->flags & RW : R));
    return true;
}

bool tw_race_insn_before(
        uintptr_t text, uintptr_t pc, uintptr_t address, const uint64_t *regs, struct tw_race_insn *out) {
    struct tw_race_insn i;
    bool guess = false;
    const uint8_t *at = (const uint8_t *)pc;
    if ((at[0] == 0xf3 || at[0] == 0xf2) && tw_race_insn(at, TW_INSN_MAX, out) && out->flags & TW_INSN_STRING) {
        out->repeats = 1;
        return string_touched(out, address, regs);
    }
    for (uintptr_t n = TW_INSN_MAX; n > 1; n--) {
        if (pc - n < text || !tw_race_insn((const uint8_t *)(pc - n), n, &i) || i.length != n || !i.flags) continue;
        if (i.flags & TW_INSN_STRING) {
            if (!string_touched(&i, address, regs)) continue;
            *out = i;
            return true;
        }
        if (address - tw_race_insn_address(&i, pc - n, regs) < i.size) {
            *out = i;
            return true;
        }
        /* A load over its own base: the address cannot be formed any more. */
        if (!guess && i.loads != TW_INSN_NOREG && !(i.flags & W) && (i.loads == i.base || i.loads == i.index)) {
            guess = true;
            *out = i;
        }
    }
    return guess;
}
