/* The entries of struct x86_hooks. */
#ifndef TWATCH_RACE_SLOW_H
#define TWATCH_RACE_SLOW_H

#include "x86/x86.h"

void rt_slow(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
void rt_slow_range(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs);
void rt_slow_atomic_before(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
void rt_slow_atomic_after(uintptr_t addr, uint32_t site, const struct x86_regs *regs);
void rt_slow_fence(uint32_t site, const struct x86_regs *regs);

#endif
