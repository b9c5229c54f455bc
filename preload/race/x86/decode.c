/*
 * Decoding, with Zydis. What an instruction does depends on its prefixes, opcode, ModRM and SIB bytes only, and a
 * program has some ten thousand combinations of those for millions of instructions: each is decoded once and
 * remembered. The displacement and the immediate are then read from the bytes. Forms for which that is not so (EVEX
 * scales its displacement) are never remembered.
 */
#define _GNU_SOURCE
#include "decode.h"

#include <Zydis/Zydis.h>
#include <string.h>
#include <sys/mman.h>

enum { MEMO = 1u << 14 };

struct memo {
    uint64_t key;
    struct x86_shape shape;
};
_Static_assert(sizeof(struct memo) == 32, "two to a cache line");

struct x86_decoder {
    ZydisDecoder zydis;
    struct x86_image *image;
    struct memo memo[MEMO];
};

enum { HUGE = 2u << 20 };

/* The memory is looked up at random for every instruction: one huge page, where the system gives one, saves the misses.
 */
struct x86_decoder *x86_decoder_new(struct x86_image *image) {
    uint8_t *room = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return NULL;
    uint8_t *start = (uint8_t *)(((uintptr_t)room + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    if (start != room) munmap(room, (size_t)(start - room));
    if (start != room + HUGE) munmap(start + HUGE, (size_t)(room + HUGE - start));
    if (image->text_size > HUGE) madvise(start, HUGE, MADV_HUGEPAGE);
    struct x86_decoder *d = (void *)start;
    ZydisDecoderInit(&d->zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    d->image = image;
    return d;
}

void x86_decoder_free(struct x86_decoder *d) {
    munmap(d, HUGE);
}

_Static_assert(sizeof(struct x86_decoder) <= HUGE, "a decoder fits its page");

/* Bit i of word i/32: one-byte opcode i is followed by ModRM (Intel SDM volume 2, appendix A). Opcodes we never
 * remember count as none. */
static const uint32_t modrm_one[8] = {0x0f0f0f0f, 0x0f0f0f0f, 0, 0x00000a08, 0x00007fff, 0, 0xff0f00c3, 0xc0c00000};
/* One-byte opcodes that may not be remembered: those whose length hangs on more, and prefixes where none is expected.
 */
static const uint32_t unusual_one[8] = {0x0, 0x40404040, 0xffff, 0xf4, 0x8000, 0xf, 0x0, 0xd0000};
/* Which opcodes after 0f may be remembered: those with ModRM that the programs are made of, and no system instructions.
 */
static const uint32_t plain_two[8] = {
        0xffff0000, 0xff00, 0xffffffff, 0xfc7fffff, 0xffff0000, 0xfdffb838, 0xffff00ff, 0x7fffffff};

static int bit(const uint32_t *set, uint8_t i) {
    return (int)(set[i >> 5] >> (i & 31) & 1);
}

/* Length of the opcode part, that is everything before ModRM; has_modrm says whether one follows. 0: do not remember
 * this one. */
static unsigned opcode_part(const uint8_t *p, const uint8_t *end, int *has_modrm) {
    const uint8_t *b = p;
    while (b < end && b - p < 4 &&
            (*b == 0x66 || *b == 0xf2 || *b == 0xf3 || *b == 0xf0 || *b == 0x64 || *b == 0x2e || *b == 0x3e))
        b++;
    if (b < end && (*b == 0xc5 || *b == 0xc4)) {
        b += *b == 0xc5 ? 2 : 3;
        *has_modrm = b < end && *b != 0x77;
        return b < end ? (unsigned)(b + 1 - p) : 0;
    }
    if (b < end && (*b & 0xf0) == 0x40) b++;
    if (b >= end) return 0;
    uint8_t op = *b++;
    if (op != 0x0f) {
        *has_modrm = bit(modrm_one, op);
        return bit(unusual_one, op) ? 0 : (unsigned)(b - p);
    }
    if (b >= end) return 0;
    op = *b++;
    if (op == 0x38 || op == 0x3a) {
        *has_modrm = 1;
        return b < end ? (unsigned)(b + 1 - p) : 0;
    }
    if (op >= 0x80 && op <= 0x8f) { /* jcc */
        *has_modrm = 0;
        return (unsigned)(b - p);
    }
    *has_modrm = 1;
    return bit(plain_two, op) ? (unsigned)(b - p) : 0;
}

/* The bytes that decide, packed; 0 when this instruction must not be remembered. */
static uint64_t memo_key(const uint8_t *p, const uint8_t *end) {
    int has_modrm = 0;
    unsigned n = opcode_part(p, end, &has_modrm);
    if (!n) return 0;
    if (has_modrm) {
        if (p + n >= end) return 0;
        uint8_t modrm = p[n++];
        if ((modrm & 0xc0) != 0xc0 && (modrm & 7) == 4) n++;
    }
    if (n > 8 || p + n > end) return 0;
    uint64_t key = 0;
    memcpy(&key, p, n);
    /* mod 0 with SIB base 5 has a displacement that mod alone does not show; the SIB byte is in the key, so that is
     * fine. */
    return key;
}

static uint8_t general(ZydisRegister r) {
    if (r == ZYDIS_REGISTER_NONE) return X86_NOREG;
    if (r == ZYDIS_REGISTER_RIP || r == ZYDIS_REGISTER_EIP) return X86_RIP;
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15) return (uint8_t)(whole - ZYDIS_REGISTER_RAX);
    return X86_NOREG;
}

static uint8_t six_flags(uint32_t f) {
    return (uint8_t)((f & 1) | (f >> 2 & 1) << 1 | (f >> 4 & 1) << 2 | (f >> 6 & 1) << 3 | (f >> 7 & 1) << 4 |
                     (f >> 11 & 1) << 5);
}

static int is_shift(ZydisMnemonic m) {
    return m == ZYDIS_MNEMONIC_SHL || m == ZYDIS_MNEMONIC_SHR || m == ZYDIS_MNEMONIC_SAR || m == ZYDIS_MNEMONIC_ROL ||
           m == ZYDIS_MNEMONIC_ROR || m == ZYDIS_MNEMONIC_RCL || m == ZYDIS_MNEMONIC_RCR || m == ZYDIS_MNEMONIC_SHLD ||
           m == ZYDIS_MNEMONIC_SHRD;
}

static int is_odd(const ZydisDecodedInstruction *z) {
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_STD:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_ENTER:
        return 1;
    default:
        return z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
               (z->meta.category == ZYDIS_CATEGORY_STRINGOP && z->address_width != 64);
    }
}

static void set_kind(struct x86_insn *x, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op) {
    int direct = op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    switch (z->meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
        x->kind = X86_JCC;
        if (z->mnemonic == ZYDIS_MNEMONIC_JRCXZ || z->mnemonic == ZYDIS_MNEMONIC_JECXZ ||
                z->mnemonic == ZYDIS_MNEMONIC_LOOP || z->mnemonic == ZYDIS_MNEMONIC_LOOPE ||
                z->mnemonic == ZYDIS_MNEMONIC_LOOPNE)
            x->kind = X86_LOOP;
        break;
    case ZYDIS_CATEGORY_UNCOND_BR:
        x->kind = direct ? X86_JMP : X86_IJMP;
        break;
    case ZYDIS_CATEGORY_CALL:
        x->kind = direct ? X86_CALL : X86_ICALL;
        break;
    case ZYDIS_CATEGORY_RET:
        x->kind = X86_RET;
        break;
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_INTERRUPT:
        x->reads = 0xffff;
        x->traits |= X86_T_BARRIER;
        break;
    default:
        break;
    }
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
        x->kind = X86_NOP;
        break;
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_HLT:
        x->kind = X86_TRAP;
        break;
    case ZYDIS_MNEMONIC_MFENCE:
        x->cls = X86_FENCED;
        x->traits |= X86_T_BARRIER;
        break;
    case ZYDIS_MNEMONIC_MOV:
        x->traits |= X86_T_MOV;
        break;
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        x->traits |= X86_T_EXTEND;
        break;
    /* Transactions. The beginning stays where it is: it says where an abort goes on, with the registers as they are
     * there. What the checks do inside is undone with the rest. */
    case ZYDIS_MNEMONIC_XBEGIN:
        x->kind = X86_LOOP;
        break;
    case ZYDIS_MNEMONIC_XEND:
    case ZYDIS_MNEMONIC_XABORT:
        x->kind = X86_NORMAL;
        x->traits |= X86_T_BARRIER;
        break;
    default:
        break;
    }
    if (is_odd(z)) x->kind = X86_ODD;
}

static void add_register(struct x86_insn *x, const ZydisDecodedOperand *p, int zeroes, int repeated) {
    uint8_t r = general(p->reg.value);
    if (r >= 16) return;
    int maybe = (p->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) != 0;
    if (((p->actions & ZYDIS_OPERAND_ACTION_MASK_READ) || maybe) && !zeroes) x->reads |= X86_BIT(r);
    if (p->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
        x->writes |= X86_BIT(r);
        /* A 32-bit write clears the upper half; a shorter one keeps the rest, which therefore counts as read. */
        if (p->size >= 32 && !maybe && !repeated) x->kills |= X86_BIT(r);
        if (p->size < 32) x->reads |= X86_BIT(r);
    }
    if (r == X86_RSP) x->traits |= p->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN ? X86_T_PUSH : X86_T_SP;
}

static int is_prefetch(const ZydisDecodedInstruction *z) {
    return z->meta.category == ZYDIS_CATEGORY_PREFETCH || z->meta.category == ZYDIS_CATEGORY_PREFETCHWT1 ||
           z->mnemonic == ZYDIS_MNEMONIC_CLFLUSH || z->mnemonic == ZYDIS_MNEMONIC_CLFLUSHOPT ||
           z->mnemonic == ZYDIS_MNEMONIC_CLWB || z->mnemonic == ZYDIS_MNEMONIC_CLDEMOTE;
}

static int is_masked(const ZydisDecodedInstruction *z) {
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_MASKMOVQ:
        return 1;
    default:
        return z->avx.mask.reg != ZYDIS_REGISTER_NONE && z->avx.mask.reg != ZYDIS_REGISTER_K0;
    }
}

static uint8_t classify(struct x86_insn *x, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *p) {
    if (p->mem.type == ZYDIS_MEMOP_TYPE_VSIB || is_masked(z)) return X86_VECTOR;
    if (p->size == 0 || p->size > 64 * 8 || z->address_width != 64) return X86_STATE;
    if (p->mem.segment == ZYDIS_REGISTER_FS || p->mem.segment == ZYDIS_REGISTER_GS) return X86_THREAD;
    if ((z->attributes & ZYDIS_ATTRIB_HAS_LOCK) || z->mnemonic == ZYDIS_MNEMONIC_XCHG) {
        x->traits |= X86_T_BARRIER;
        /* "lock or $0,(%rsp)" touches nothing that anybody looks at: it is how compilers write a full fence. */
        int fence = x->base == X86_RSP && x->index == X86_NOREG && z->mnemonic != ZYDIS_MNEMONIC_XCHG &&
                    z->raw.imm[0].size && z->raw.imm[0].value.u == 0;
        return fence ? X86_FENCED : X86_LOCKED;
    }
    if (x->base == X86_RSP) return X86_STACK;
    return x->base == X86_RIP ? X86_GLOBAL : X86_HEAP;
}

static void add_string(struct x86_insn *x, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *p) {
    x->cls = X86_STRING;
    x->size = (uint8_t)(p->size / 8);
    x->traits |= X86_T_BARRIER | (general(p->mem.base) == X86_RSI ? X86_T_SOURCE : X86_T_DEST);
    if (p->actions & ZYDIS_OPERAND_ACTION_MASK_READ) x->access |= 1;
    if (p->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) x->access |= 2;
    if (z->attributes & (ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) x->traits |= X86_T_COMPARE;
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ:
        x->traits |= X86_T_COMPARE;
        break;
    default:
        x->traits = (uint8_t)(x->traits & ~X86_T_COMPARE);
        break;
    }
}

static void add_memory(struct x86_insn *x, const ZydisDecodedInstruction *z, const ZydisDecodedOperand *p) {
    uint8_t base = general(p->mem.base), index = general(p->mem.index);
    if (base < 16) x->reads |= X86_BIT(base);
    if (index < 16) x->reads |= X86_BIT(index);
    int hidden = p->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;
    if (!hidden && base == X86_RSP) x->traits |= X86_T_SP;
    if (z->meta.category == ZYDIS_CATEGORY_STRINGOP) {
        add_string(x, z, p);
        return;
    }
    if (hidden) return; /* the stack side of push, pop, call, ret */
    x->base = base;
    x->index = index;
    x->scale = p->mem.scale ? p->mem.scale : 1;
    x->disp = (int32_t)p->mem.disp.value;
    x->disp_at = z->raw.disp.offset;
    x->disp_size = (uint8_t)(z->raw.disp.size / 8);
    x->lea = p->mem.type == ZYDIS_MEMOP_TYPE_AGEN;
    if (x->lea || x->kind == X86_NOP || is_prefetch(z)) return;
    x->size = (uint8_t)(p->size / 8);
    x->access = (uint8_t)(((p->actions & ZYDIS_OPERAND_ACTION_MASK_READ) ? 1 : 0) |
                          ((p->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ? 2 : 0));
    x->cls = classify(x, z, p);
    if (x->access == 3) x->traits = (uint8_t)(x->traits & ~X86_T_MOV);
}

/* x xor x, x - x: the result does not depend on what x held. */
static int zeroing(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op) {
    return (z->mnemonic == ZYDIS_MNEMONIC_XOR || z->mnemonic == ZYDIS_MNEMONIC_SUB) &&
           op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && op[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           op[0].reg.value == op[1].reg.value && op[0].size >= 32;
}

static int decode_whole(struct x86_decoder *d, const uint8_t *p, size_t room, struct x86_insn *x) {
    ZydisDecodedInstruction z;
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d->zydis, p, room, &z, op))) return -1;
    *x = (struct x86_insn){.shape = {.len = z.length, .base = X86_NOREG, .index = X86_NOREG}};
    if (z.cpu_flags) {
        x->flags_read = six_flags(z.cpu_flags->tested);
        x->flags_killed =
                six_flags(z.cpu_flags->modified | z.cpu_flags->set_0 | z.cpu_flags->set_1 | z.cpu_flags->undefined);
    }
    int repeated = (z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0 &&
                   z.meta.category == ZYDIS_CATEGORY_STRINGOP;
    if (repeated) x->flags_killed = 0, x->traits |= X86_T_REP;
    set_kind(x, &z, op);
    x->imm_at = z.raw.imm[0].offset;
    x->imm_size = (uint8_t)(z.raw.imm[0].size / 8);
    if (is_shift(z.mnemonic)) {
        /* A count of zero, in cl or in the immediate, leaves every flag as it was. */
        x->shift = x->imm_size != 0;
        int by_one = !x->shift && (p[z.raw.modrm.offset - 1] & 0xfe) == 0xd0;
        if (!x->shift && !by_one) x->flags_killed = 0;
    }
    int zeroes = zeroing(&z, op);
    for (unsigned i = 0; i < z.operand_count; i++) {
        if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER) add_register(x, &op[i], zeroes, repeated);
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY) add_memory(x, &z, &op[i]);
    }
    return 0;
}

static int64_t read_signed(const uint8_t *p, unsigned size) {
    switch (size) {
    case 1:
        return (int8_t)*p;
    case 2: {
        int16_t v;
        memcpy(&v, p, 2);
        return v;
    }
    case 4: {
        int32_t v;
        memcpy(&v, p, 4);
        return v;
    }
    default:
        return 0;
    }
}

static void place(struct x86_decoder *d, const uint8_t *p, uint32_t off, struct x86_insn *x, int remembered) {
    struct x86_image *image = d->image;
    x->off = off;
    x->target = X86_NO_TARGET;
    if (remembered && x->disp_size) x->disp = (int32_t)read_signed(p + x->disp_at, x->disp_size);
    if (x->shift && (p[x->imm_at] & 0x3f) == 0) x->flags_killed = 0;
    if (x->kind == X86_JCC || x->kind == X86_LOOP || x->kind == X86_JMP || x->kind == X86_CALL) {
        x->rel = (int32_t)read_signed(p + x->imm_at, x->imm_size);
        uint64_t to = image->text_addr + off + x->len + (uint64_t)(int64_t)x->rel;
        x->target = x86_image_in_text(image, to) ? (int32_t)(to - image->text_addr) : X86_FAR_TARGET;
    }
    if (x->cls == X86_GLOBAL && !x86_image_writable(image, x86_insn_rip_target(image, x))) x->cls = X86_CONSTANT;
    if (x86_insn_is_call(x)) x->reads = x->writes = 0xffff, x->kills = 0;
}

int x86_decode(struct x86_decoder *d, uint32_t off, uint32_t end, struct x86_insn *out) {
    const uint8_t *p = d->image->text + off, *limit = d->image->text + end;
    uint64_t key = memo_key(p, limit);
    struct memo *m = &d->memo[(key * 0x9e3779b97f4a7c15ull) >> 50 & ~1ull]; /* one of two in a cache line */
    if (m->key != key) m++;
    if (key && m->key == key) {
        if (m->shape.len > end - off) return -1;
        *out = (struct x86_insn){.shape = m->shape};
        place(d, p, off, out, 1);
        return 0;
    }
    if (decode_whole(d, p, end - off, out) != 0) return -1;
    if (key) { /* the older one goes */
        *m = m[-1];
        m[-1] = (struct memo){key, out->shape};
    }
    place(d, p, off, out, 0);
    return 0;
}
