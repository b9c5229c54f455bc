/* The table that the shim gets, and the modules that are instrumented. */
#ifndef TWATCH_RACE_OPS_H
#define TWATCH_RACE_OPS_H

#include "hooks.h"
#include <stdbool.h>

extern const struct tw_race_ops rt_ops;

/* modules.c. The start runs with one thread, outside the guard. NULL, or why nothing can be instrumented. */
const char *rt_modules_start(void);
void rt_modules_loaded(uintptr_t bias, const char *path);
/* True if the code at pc belongs to the watched program: what libraries that are not instrumented do to their own
   memory may be ordered by what nobody sees. freeing: libstdc++ counts, its operator delete frees for the program. Any
   context. */
bool rt_modules_watched(uintptr_t pc, bool freeing);
void rt_modules_unloading(uintptr_t start, uintptr_t end);

/* tsan.c: hands the entry points to libtwatch-tsan.so when the process has it. */
bool rt_tsan_start(void);

#endif
