/* Which registers and flags still matter, for every instruction of the function at hand. */
#ifndef TWATCH_RACE_X86_LIVE_H
#define TWATCH_RACE_X86_LIVE_H

#include "code.h"

/* Fills live and flags_live of code->insns. Too tangled a function gets "all live", which is always right. */
void x86_live_compute(struct x86_code *code, const struct x86_function *f);

#endif
