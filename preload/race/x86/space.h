/* Address space: where trampolines may go, and what is mapped where. Reads /proc/self/maps. */
#ifndef TWATCH_RACE_X86_SPACE_H
#define TWATCH_RACE_X86_SPACE_H

#include <stddef.h>
#include <stdint.h>

/* Private, writable, uncommitted memory of `bytes` (page-rounded) within reach of 32-bit displacements of [low, high);
 * NULL when there is none. */
uint8_t *x86_space_near(uintptr_t low, uintptr_t high, size_t bytes);
/* The end of the mapping that holds addr, 0 when nothing is mapped there. */
uintptr_t x86_space_end(uintptr_t addr);

#endif
