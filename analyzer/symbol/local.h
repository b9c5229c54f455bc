/* From a place in a function's stack frame to the local variable, member and element there. */
#ifndef TWATCH_LOCAL_H
#define TWATCH_LOCAL_H

#include "symbol/symfile.h"

/*
 * `address` lies in the function's code; `below` is how far below the frame's canonical address the place is. False:
 * nothing known. `out->module` is left to the caller. Text lives in the file's arena.
 */
bool local_lookup(struct symfile *file, uint64_t address, uint64_t below, struct symbol_data *out);

#endif
