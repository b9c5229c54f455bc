/*
 * Exact stacks at the price of a probe. Unwinding costs microseconds, so each thread keeps a cache keyed by (return address, stack pointer); an
 * entry remembers the stack slots that held return addresses when it was unwound and is used again only when each of them still holds the same value.
 * Stacks are hash-consed into the record: equal stacks have equal ids.
 */
#ifndef TW_STACK_H
#define TW_STACK_H

#include "thread.h"

enum { TW_STACK_WAYS = 4 }; /* entries of a place, the newest first */

/* The entries that a stack may be in. `extra` is part of the place: all locks of a Python program are taken by one native call, and only the Python frames tell its lines apart. */
static inline struct tw_stack_entry *tw_stack_place(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uint64_t extra) {
    return &t->stacks[(((pc >> 1) ^ (cfa >> 4) ^ (cfa >> 10) ^ extra) & (TW_STACKS / TW_STACK_WAYS - 1)) * TW_STACK_WAYS];
}
static inline bool tw_stack_is(const struct tw_stack_entry *e, uintptr_t pc, uintptr_t cfa, uint64_t extra) {
    return e->pc == pc && e->cfa == cfa && e->extra == extra;
}

void tw_stack_init(void);   /* constructor: loads libunwind privately (its `backtrace` must not replace glibc's) */
void tw_stack_forked(void);

/* Stack id of the call that returns to pc with the stack pointer at cfa (TW_CALLER and TW_CFA in the wrapper). Never 0 unless there is no room:
   when unwinding is impossible it is the one frame, marked TWATCH_STACK_SITE. Inside the guard. 5 to 30 ns on a hit, microseconds on a miss. */
uint32_t tw_stack_here(struct tw_thread *t, uintptr_t pc, uintptr_t cfa);
/* The same when the fingerprint of the thread's Python frames, not 0, is known (python.h). NULL: no room. */
const struct twatch_stack *tw_stack_python_slow(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uint64_t print);
static inline const struct twatch_stack *tw_stack_python(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uint64_t print) {
    const struct tw_stack_entry *newest = tw_stack_place(t, pc, cfa, print);
    return TW_LIKELY(tw_stack_is(newest, pc, cfa, print)) ? newest->stack : tw_stack_python_slow(t, pc, cfa, print);
}
/* Like tw_stack_here for an instruction inside the program (race engine): pc is the instruction itself; sp, bp and the callee-saved registers are the program's.
   slots gets the addresses of the stack words that hold the return addresses, *nslots 0 if there are more than max_slots or they are not known. */
struct tw_stack_regs { uintptr_t rbx, rbp, r12, r13, r14, r15, rsp, rip; };
uint32_t tw_stack_at(struct tw_thread *t, const struct tw_stack_regs *regs, uint64_t *slots, uint32_t max_slots, uint32_t *nslots);
/* The stack of a call that has returned: its caller had the stack pointer at cfa then, and is still running. 0: it is not, or that cannot be seen. */
uint32_t tw_stack_again(struct tw_thread *t, uintptr_t pc, uintptr_t cfa);
/* The return-address slot of the frame that an address on the caller's own stack lies in, among those of the stack that tw_stack_here(t, pc, cfa) just gave; 0: not known. */
uintptr_t tw_stack_slot_above(struct tw_thread *t, uintptr_t pc, uintptr_t cfa, uintptr_t address);
/* The frame of another thread, which is alive, that an address on its stack lies in, as far as its calls of wrappers have shown: *pc, in its function, and *top, its
   canonical frame address (0: not known). That thread runs meanwhile, so nothing of what it last saw is believed that its stack does not bear out. False: not known. */
bool tw_stack_frame_of(const struct tw_thread *other, uintptr_t address, uint64_t *pc, uintptr_t *top);
/* Hash-cons given frames. */
uint32_t tw_stack_intern(const uint64_t *pc, uint32_t n, uint32_t flags);
const struct twatch_stack *tw_stack_by_id(uint32_t id);

#endif
