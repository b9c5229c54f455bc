/* What races=sample saw in the act, into the record: one element per pair of instructions. Inside the guard. */
#ifndef TW_RACE_CATCH_H
#define TW_RACE_CATCH_H

#include "race_insn.h"
#include "thread.h"

enum { TW_CATCH_LOCKS = 16 };

struct tw_catch_side { /* an access; all that the report needs, since its thread may be gone when it is written */
    uint32_t thread, stack;
    uintptr_t pc, address;
    uint32_t size, flags; /* enum tw_race_insn_flags */
    uint32_t nlocks, locks[TW_CATCH_LOCKS];
};

/* The access of the instruction at pc, by the caller, which stands behind it with these registers (hardware order). */
void tw_catch_side(struct tw_thread *t, struct tw_catch_side *side, const struct tw_race_insn *insn, uintptr_t pc,
        uintptr_t watched, const uint64_t *regs, uintptr_t rip);
/* Both stand at their accesses to `watched` now. */
void tw_catch(const struct tw_catch_side *earlier, const struct tw_catch_side *later, uintptr_t watched);
void tw_catch_forked(void);

#endif
