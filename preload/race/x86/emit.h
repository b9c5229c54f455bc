/*
 * Writing machine code. Positions are offsets in the trampolines; addresses are the module's link-time addresses, in
 * which the trampolines begin at `origin`. Whatever reaches out of the trampolines is noted in `relocs`, so that the
 * same code can be put at another distance from the module. Encodings: Intel SDM volume 2.
 */
#ifndef TWATCH_RACE_X86_EMIT_H
#define TWATCH_RACE_X86_EMIT_H

#include "insn.h"
#include "update.h"
#include "pcmap.h"
#include "run.h"
#include "spin.h"
#include "x86.h"

#include <string.h>

/* The thunks at the start of the trampolines: one per hook, each HEADER_STEP bytes. */
enum x86_thunk { X86_TO_SLOW, X86_TO_BEFORE, X86_TO_AFTER, X86_TO_STRING, X86_TO_COMPARED, X86_TO_FENCE, X86_THUNKS };
enum { X86_HEADER_STEP = 32, X86_HEADER_SIZE = 4096 };

/* Set in the site number that a detour passes when the copy runs with a return address pushed (a TAIL run). */
#define X86_SITE_PUSHED 0x80000000u
/* Below it, with the detour's own number: enum x86_quick, or X86_NOT_QUICK. */
enum { X86_SITE_BITS = 24, X86_NOT_QUICK = 32 };

struct x86_fix { /* a 32-bit displacement at `at` that must lead to the copy of `target`, or to target itself */
    uint32_t at, target;
};

struct x86_site_entry {
    uint32_t off; /* in .text */
    uint8_t size;
    uint8_t flags;
    uint16_t traits; /* enum x86_trait, for strings */
};

struct x86_patch {
    uint32_t off; /* in .text, of the opcode */
    uint32_t to;  /* in the trampolines */
    uint8_t opcode;
    uint8_t nops;  /* bytes before it */
    uint16_t dead; /* bytes after it that nothing may reach */
};

struct x86_entry { /* where the copy of a run begins */
    uint32_t off, copy;
};

/* The part of a check that runs when a cell differs; written after the function. */
struct x86_detour {
    struct x86_insn insn;
    uint32_t from[8]; /* displacements of the jumps that lead here */
    uint32_t back;    /* where it returns to */
    uint32_t site;
    uint8_t nfrom;
    uint8_t rax_saved;  /* rax holds the flags, its own value is in slot 1 */
    uint8_t restore;    /* a register to load from slot 0 before the instruction; X86_NOREG none (atomics) */
    uint8_t flags_live; /* atomics: the flags must survive */
};

struct x86_emitter {
    struct x86_code *code;
    const struct x86_config *config;
    struct x86_stats *stats;
    uint64_t origin;
    uint8_t *out;
    uint32_t at, capacity;
    struct x86_vec relocs;  /* uint32_t */
    struct x86_vec fixes;   /* struct x86_fix: branches of the function at hand */
    struct x86_vec far;     /* struct x86_fix: those that leave it */
    struct x86_vec sites;   /* struct x86_site_entry */
    struct x86_vec patches; /* struct x86_patch, ascending */
    struct x86_vec entries; /* struct x86_entry, ascending */
    struct x86_vec detours;   /* struct x86_detour of the function at hand */
    struct x86_vec plan;    /* struct x86_planned of the run at hand */
    struct x86_vec runs;    /* struct x86_run of the function at hand */
    struct x86_pcmap_builder copies, outlines;
    int failed;
};

enum { X86_SLOT_REG, X86_SLOT_RAX, X86_SLOT_TEMP, X86_SLOT_ATOMIC };

static inline void x86_put8(struct x86_emitter *e, unsigned v) {
    e->out[e->at++] = (uint8_t)v;
}
static inline void x86_put32(struct x86_emitter *e, uint32_t v) {
    memcpy(e->out + e->at, &v, 4);
    e->at += 4;
}
static inline void x86_put_bytes(struct x86_emitter *e, const void *bytes, uint32_t n) {
    memcpy(e->out + e->at, bytes, n);
    e->at += n;
}
/* A displacement to an address in the module, `behind` bytes before the end of its instruction. */
static inline void x86_put_rel(struct x86_emitter *e, uint64_t to, uint32_t behind) {
    X86_VEC_PUSH(&e->relocs, uint32_t, e->at);
    int64_t d = (int64_t)(to - (e->origin + e->at + 4 + behind));
    if (d != (int32_t)d) e->failed = 1;
    x86_put32(e, (uint32_t)d);
}
static inline void x86_put_local(struct x86_emitter *e, uint32_t to) {
    x86_put32(e, to - (e->at + 4));
}
static inline void x86_set_local(struct x86_emitter *e, uint32_t at, uint32_t to) {
    uint32_t d = to - (at + 4);
    memcpy(e->out + at, &d, 4);
}

/* mov r, fs:[offset] (load) or the reverse; 64 bits. */
void x86_emit_fs(struct x86_emitter *e, uint8_t opcode, unsigned reg, int32_t offset, int wide);
void x86_emit_slot(struct x86_emitter *e, int load, unsigned reg, unsigned slot);
/* lea r, [memory operand of x]; rsp_shift: how far rsp is below the program's. `down`: rounded down to 4 where that is
 * known now. */
void x86_emit_lea(struct x86_emitter *e, unsigned reg, const struct x86_insn *x, int32_t rsp_shift, int down);
/* The instruction itself, its rip-relative operand adjusted. */
void x86_emit_copy(struct x86_emitter *e, const struct x86_insn *x);

/* check.c: the checks of a run, the detours of a function. */
struct x86_planned {
    int32_t at;     /* the instruction of the run before which the check stands; -1 none */
    uint8_t access; /* of the check; 1 read, 2 write */
    uint8_t covers; /* a read before it that has no check of its own */
};
void x86_checks_plan(struct x86_emitter *e, const struct x86_run *r);
void x86_checks_emit(struct x86_emitter *e, const struct x86_run *r, uint32_t at);
/* Writes an atomic, string or fence instruction of the run together with its calls; 0 when x is none of those. */
int x86_special_emit(struct x86_emitter *e, const struct x86_run *r, const struct x86_insn *x);
/* What the program prefetches, it is about to use: so are the cells. Behind the copy of x; nothing when x is no prefetch. */
void x86_prefetch_emit(struct x86_emitter *e, const struct x86_insn *x);
void x86_detours_emit(struct x86_emitter *e);

/* copy.c: all functions. 0, or -1 when there is no room. */
int x86_copy_all(struct x86_emitter *e);

#endif
