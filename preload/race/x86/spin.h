/* Spin-wait loops: short loops that read one place until somebody else changes it. Their reads acquire. */
#ifndef TWATCH_RACE_X86_SPIN_H
#define TWATCH_RACE_X86_SPIN_H

#include "code.h"

/* Fills code->pastimes; before the first x86_spin_find. */
void x86_spin_prepare(struct x86_code *code);
/* Sets insn.spin in the function at hand. */
void x86_spin_find(struct x86_code *code, const struct x86_function *f);

#endif
