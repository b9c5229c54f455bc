/*
 * The usual frame, unwound without libunwind: call frame information (DWARF 5, 6.4; LSB .eh_frame) whose canonical frame address is rsp or rbp plus a
 * constant and whose return address stands right below it, which is what compilers emit for nearly every function. A rule is read once
 * per program counter and kept. Whatever is not so simple is left to libunwind (unwind.c).
 *
 * Takes no lock, allocates nothing, makes no system call but for modules seen for the first time; any context, also a signal handler.
 */
#ifndef TW_CFI_H
#define TW_CFI_H

#include "sys.h"

struct tw_cfi_frame {
    uintptr_t pc, sp, bp;
};
enum tw_cfi { TW_CFI_OTHER, TW_CFI_FRAME, TW_CFI_END };

/* From a frame to its caller: sp is then the stack pointer after the return, and the return address stood at sp - 8. `exact`: pc is the instruction itself, not a return
   address. Memory outside [frame->sp, limit) is not read: TW_CFI_OTHER then, and for everything unusual, with the frame unchanged. TW_CFI_END: the outermost frame. */
enum tw_cfi tw_cfi_step(struct tw_cfi_frame *frame, uintptr_t limit, bool exact);
/* True if both are in the same function, by its frame description. */
bool tw_cfi_same_function(uintptr_t pc, uintptr_t other);
/* A module went: what is kept may be of it. */
void tw_cfi_forget(void);

#endif
