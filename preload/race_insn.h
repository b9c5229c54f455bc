/*
 * x86-64 instructions as far as a sampler needs them: length, and the one memory operand with what is done to it. Reads
 * only the bytes it is given; any context. Encodings after the Intel SDM, volume 2, appendix A. What is rare (EVEX,
 * gathers, state images, far transfers, thread-local operands) is refused.
 */
#ifndef TW_RACE_INSN_H
#define TW_RACE_INSN_H

#include "sys.h"

enum tw_race_insn_flags {
    TW_INSN_READ = 1,
    TW_INSN_WRITE = 2,
    TW_INSN_ATOMIC = 4, /* lock prefix or xchg */
    TW_INSN_MOV = 8,    /* a single mov of 1 to 8 bytes: what a C11 atomic load or store is */
    TW_INSN_STRING = 16 /* movs, stos, lods, cmps, scas: operands at rsi and rdi */
};
enum { TW_INSN_MAX = 15, TW_INSN_NOREG = 16, TW_INSN_RIP = 17 };

struct tw_race_insn {
    uint8_t length;
    uint8_t flags;              /* enum tw_race_insn_flags; 0: no access to memory that threads share */
    uint8_t size;               /* bytes of the access */
    uint8_t base, index, scale; /* registers as the hardware numbers them (rax 0 ... r15 15), NOREG, RIP; shift */
    uint8_t loads;              /* general register that gets what was read, or NOREG */
    uint8_t repeats;            /* a string operation with a repeat prefix that is not through yet */
    uint8_t jumps;              /* 1: the next instruction may be another than the one behind; 2: the one disp bytes behind it */
    int64_t disp;
};

/* Decodes the instruction at code, of which `room` bytes can be read. False: refused. */
bool tw_race_insn(const uint8_t *code, size_t room, struct tw_race_insn *out);
/* Where the operand is; pc is the address of the instruction, regs[16] are the registers before it. */
uintptr_t tw_race_insn_address(const struct tw_race_insn *insn, uintptr_t pc, const uint64_t *regs);
/*
 * The instruction that has just touched the byte at `address`: it ends at pc, or is a repeated string operation at pc.
 * `text` is where the code begins, regs are those after it. False: it cannot be told.
 */
bool tw_race_insn_before(
        uintptr_t text, uintptr_t pc, uintptr_t address, const uint64_t *regs, struct tw_race_insn *out);

#endif
