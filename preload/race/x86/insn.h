/* One decoded instruction, reduced to what copying and checking it needs to know. */
#ifndef TWATCH_RACE_X86_INSN_H
#define TWATCH_RACE_X86_INSN_H

#include "image.h"

/* Register numbers are the hardware's (rax 0 … r15 15); sets are bit masks of them. */
enum {
    X86_RAX,
    X86_RCX,
    X86_RDX,
    X86_RBX,
    X86_RSP,
    X86_RBP,
    X86_RSI,
    X86_RDI,
    X86_R8,
    X86_R11 = 11,
    X86_NOREG = 16,
    X86_RIP = 17
};
#define X86_BIT(r) ((uint16_t)(1u << (r)))

enum x86_kind {
    X86_NORMAL,
    X86_NOP, /* not copied: nop, endbr64 */
    X86_JCC,
    X86_LOOP, /* jrcxz, loop: 8-bit reach only, stays where it is */
    X86_JMP,
    X86_IJMP,
    X86_CALL,
    X86_ICALL,
    X86_RET,
    X86_TRAP, /* ud2, int3, hlt */
    X86_ODD,  /* what the copier does not do */
};

/* What kind of memory the (one) access of an instruction reaches. */
enum x86_class {
    X86_NONE,
    X86_STACK,    /* rsp, or rbp in a function with a frame */
    X86_THREAD,   /* fs: or gs: */
    X86_CONSTANT, /* rip-relative, not writable */
    X86_GLOBAL,   /* rip-relative */
    X86_HEAP,     /* through registers, or absolute */
    X86_LOCKED,   /* atomic */
    X86_STRING,
    X86_FENCED, /* a fence; no access */
    X86_VECTOR, /* gather, scatter, masked: cannot be checked */
    X86_STATE,  /* large state images: cannot be checked */
};

/* Flags in six bits: CF PF AF ZF SF OF. */
enum { X86_ALL_FLAGS = 0x3f };

enum x86_trait {
    X86_T_SP = 1,      /* names rsp, or has it as a base */
    X86_T_PUSH = 2,    /* moves rsp by itself */
    X86_T_MOV = 4,     /* a plain mov of a general register or immediate */
    X86_T_BARRIER = 8, /* no check may move over it: syscall, atomic, fence, string */
    X86_T_REP = 16,
    X86_T_COMPARE = 32, /* cmps, scas: ends early */
    X86_T_RESULT = 32,  /* of a site that is no string: an update whose flags are used */
    X86_T_SOURCE = 64,  /* string: reads at rsi */
    X86_T_EXTEND = 64,  /* no string: movzx, movsx: a load like a plain mov, of part of a register */
    X86_T_DEST = 128,   /* string: touches rdi */
};

enum { X86_NO_TARGET = -1, X86_FAR_TARGET = -2 };

/* What the prefixes, opcode, ModRM and SIB bytes of an instruction say. */
struct x86_shape {
    uint16_t reads, writes, kills; /* kills: written whole, whatever it held */
    uint8_t flags_read, flags_killed;
    uint8_t len, kind, cls, size, access; /* access: 1 read, 2 write */
    uint8_t base, index, scale, traits;
    uint8_t disp_at, disp_size, imm_at, imm_size; /* where in the bytes; disp_size 0: no displacement */
    uint8_t lea;                                  /* forms an address: base, index, disp are valid, cls is NONE */
    uint8_t shift;                                /* a shift by an immediate: by 0 it leaves the flags alone */
};

struct x86_insn {
    union { /* the fields of the shape are the instruction's own */
        struct x86_shape shape;
        struct {
            uint16_t reads, writes, kills;
            uint8_t flags_read, flags_killed;
            uint8_t len, kind, cls, size, access;
            uint8_t base, index, scale, traits;
            uint8_t disp_at, disp_size, imm_at, imm_size;
            uint8_t lea;
            uint8_t shift;
        };
    };
    uint8_t flags_live; /* on entry */
    uint16_t live;
    uint8_t spin;   /* the read of a spin-wait loop */
    uint8_t update; /* the load or the store of a load, change and store of one place */
    uint32_t off;   /* in .text */
    int32_t target; /* of a direct branch: offset in .text, or one of the above */
    int32_t disp;   /* of the memory operand */
    int32_t rel;    /* of a direct branch */
    uint32_t copy;  /* where the copy of the run begins whose first it is; 0 none */
};

static inline int x86_insn_ends_run(const struct x86_insn *x) {
    return x->kind >= X86_LOOP;
}
static inline int x86_insn_is_call(const struct x86_insn *x) {
    return x->kind == X86_CALL || x->kind == X86_ICALL;
}
/* Control never passes to the next instruction. */
static inline int x86_insn_leaves(const struct x86_insn *x) {
    return x->kind == X86_JMP || x->kind == X86_IJMP || x->kind == X86_RET || x->kind == X86_TRAP;
}
static inline int x86_insn_wanted(const struct x86_insn *x) {
    return x->cls >= X86_GLOBAL;
}
static inline uint16_t x86_insn_address_regs(const struct x86_insn *x) {
    return (uint16_t)((x->base < 16 ? 1u << x->base : 0) | (x->index < 16 ? 1u << x->index : 0));
}
static inline uint64_t x86_insn_rip_target(const struct x86_image *image, const struct x86_insn *x) {
    return image->text_addr + x->off + x->len + (uint64_t)(int64_t)x->disp;
}

#endif
