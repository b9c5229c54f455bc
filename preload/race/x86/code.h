/*
 * What is known about a module's code: its functions, where instructions begin, and which of them control may reach
 * other than by falling through ("leaders"). Runs are built between leaders; a leader that is missed is a crash, one
 * too many only costs coverage, so every source of doubt adds one.
 */
#ifndef TWATCH_RACE_X86_CODE_H
#define TWATCH_RACE_X86_CODE_H

#include "decode.h"
#include "vec.h"
#include "x86.h"

enum x86_state { X86_GOOD, X86_BAD_DECODE, X86_BAD_TABLE, X86_BAD_ODD };

struct x86_function {
    uint32_t lo, hi;       /* in .text */
    uint64_t lsda;         /* language-specific data area, 0 none */
    uint32_t wanted;       /* accesses to shared memory */
    uint8_t state;         /* enum x86_state */
    uint8_t shares;        /* it creates threads, or calls what does: its stack variables may be shared */
    uint8_t frame;         /* rbp is a frame pointer throughout */
    uint8_t tables;        /* a jump table was found */
    uint8_t table_jump;    /* a jump through a table of offsets was seen */
    uint8_t register_jump; /* any jump through a register or memory, except through the GOT */
};

/* A mark per byte of .text: the length of the instruction that begins there (0: none does), and how it may be reached.
 */
enum {
    X86_LENGTH = 0x0f,
    X86_LEAD_JUMP = 0x10,
    X86_LEAD = 0x20,
    X86_LEAD_RETURN = 0x40,
    X86_LEAD_ANY = 0x70,
    X86_CREATES = 0x80
};

/* Imported functions of some kind: their words in the GOT, and their entries in the PLT. */
struct x86_imports {
    struct x86_vec slots, plt; /* uint64_t: addresses */
};

struct x86_code {
    struct x86_image *image;
    struct x86_decoder *decoder;
    uint8_t *mark;
    struct x86_vec functions;    /* struct x86_function, ascending, disjoint */
    struct x86_vec insns;        /* struct x86_insn of the function at hand */
    struct x86_vec index;        /* uint32_t per byte of it: the instruction that begins there, plus one */
    struct x86_imports pastimes; /* functions that pass the time: sched_yield, usleep */
    struct x86_imports creators; /* functions that create threads */
    struct x86_stats *stats;
};

/* Fills `functions` from .eh_frame. 0, or -1 when there is none or no memory. */
int x86_functions_read(struct x86_code *code);
/* The function whose range holds the offset, or NULL. */
struct x86_function *x86_function_at(const struct x86_code *code, uint32_t off);
/* Landing pads of a function: offsets in .text, to visit. Malformed data ends the list. */
void x86_functions_pads(
        struct x86_code *code, const struct x86_function *f, void (*visit)(struct x86_code *, uint32_t));

/* Finds the imports called by one of n names. */
void x86_imports_find(struct x86_code *code, struct x86_imports *imports, const char *const *names, size_t n);
/* Does a call instruction call one of them? */
int x86_imports_called(const struct x86_code *code, const struct x86_imports *imports, const struct x86_insn *x);
void x86_imports_free(struct x86_imports *imports);

/* Finds every leader. 0, or -1 when there is no memory. */
int x86_leaders_find(struct x86_code *code);

/* Decodes a function into insns and index. 0, or -1 when bytes do not decode (or no memory). */
int x86_code_decode(struct x86_code *code, const struct x86_function *f);
/* Classes that depend on the function: rbp as a frame pointer; stack variables whose address another thread may have.
 */
void x86_code_settle(struct x86_code *code, const struct x86_function *f);

static inline struct x86_insn *x86_code_insns(const struct x86_code *code) {
    return (struct x86_insn *)(void *)code->insns.data;
}
static inline uint32_t x86_code_count(const struct x86_code *code) {
    return (uint32_t)(code->insns.used / sizeof(struct x86_insn));
}
/* The instruction at an offset of the function at hand, NULL when none begins there. */
static inline struct x86_insn *x86_code_insn(const struct x86_code *code, const struct x86_function *f, int64_t off) {
    if (off < f->lo || off >= f->hi) return NULL;
    uint32_t i = ((const uint32_t *)(const void *)code->index.data)[off - f->lo];
    return i ? x86_code_insns(code) + i - 1 : NULL;
}

#endif
