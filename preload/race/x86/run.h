/*
 * Runs: straight-line pieces of a function, from a leader to the next leader or to an instruction that ends it (jump,
 * call, return). Conditional jumps may leave in the middle. And where the 5 bytes go that lead from a run to its copy.
 *
 *   HEAD   over the start of the run:               jmp copy
 *   TAIL   a run too short before its call:         nop…; call copy   ends exactly at the return address;
 *                                                   the copy does the run and then jumps to what was called
 *   PAD    too short, but followed by padding:      jmp copy, over the padding
 *   CHAIN  reached from other copies only, or left alone
 */
#ifndef TWATCH_RACE_X86_RUN_H
#define TWATCH_RACE_X86_RUN_H

#include "code.h"

enum x86_placement { X86_CHAIN, X86_HEAD, X86_TAIL, X86_PAD };

enum { X86_JUMP_BYTES = 5 };

struct x86_run {
    uint32_t first, count; /* instructions of the function at hand */
    uint32_t off;          /* of the first, in .text */
    uint32_t patch;        /* where the jump goes, in .text */
    uint32_t end;          /* of the bytes that the copy replaces */
    uint32_t copy;         /* where the copy begins, in the trampolines; 0 none */
    uint32_t wanted;       /* accesses to shared memory */
    uint8_t placement;
};

/* The runs of the function at hand, into `runs` (emptied first). 0, or -1 when there is no memory. */
int x86_runs_split(struct x86_code *code, const struct x86_function *f, struct x86_vec *runs);

#endif
