/* A load, a computation and a store of the same place: an update that another thread's can be lost in. */
#ifndef TWATCH_RACE_X86_UPDATE_H
#define TWATCH_RACE_X86_UPDATE_H

#include "run.h"

/* Sets insn.update in the run. */
void x86_updates_find(struct x86_insn *x, uint32_t n);

#endif
