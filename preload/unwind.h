/* Unwinding the calling thread with libunwind. Inside the guard; microseconds a call; takes a lock of the library's own, so that a fork finds libunwind at rest. */
#ifndef TW_UNWIND_H
#define TW_UNWIND_H

#include "record.h"
#include "stack.h"

struct tw_unwound {
    uint32_t n;
    bool cut;                          /* deeper than asked, or it came to code without unwind tables */
    uint64_t pc[TWATCH_MAX_FRAMES];    /* return addresses, innermost first */
    uintptr_t slot[TWATCH_MAX_FRAMES]; /* where each stands on the stack; 0: it does not (interrupted by a signal) */
};

/* True in a wrapper that libunwind itself called, on behalf of the library. */
extern TW_HIDDEN uintptr_t tw_unwind_lib_start, tw_unwind_lib_end;
static inline bool tw_unwind_calls(uintptr_t caller) { return caller - tw_unwind_lib_start < tw_unwind_lib_end - tw_unwind_lib_start; }
/* The caller is libunwind, which would mask signals that are blocked already while a stack is taken. */
bool tw_unwind_masks(uintptr_t caller);

void tw_unwind_init(void);
/* From the frame whose callee's canonical frame address is cfa: pc[0] is the return address below cfa. */
bool tw_unwind_from(struct tw_unwound *u, uintptr_t cfa, uint32_t depth);
/* The stack of an earlier call at pc whose caller, then with the stack pointer at cfa, is still running: its frame is looked for among those of now. */
bool tw_unwind_again(struct tw_unwound *u, uintptr_t pc, uintptr_t cfa, uint32_t depth);
/* From a register set inside the program: pc[0] is the instruction itself. */
bool tw_unwind_regs(struct tw_unwound *u, const struct tw_stack_regs *regs, uint32_t depth);
void tw_unwind_forked(void);
/* Around fork, so that libunwind's own data is at rest in the child. */
void tw_unwind_hold(void);
void tw_unwind_release(void);

#endif
