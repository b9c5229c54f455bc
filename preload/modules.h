/* The mapped ELF objects, kept without the loader's lock. Inside the guard. */
#ifndef TW_MODULES_H
#define TW_MODULES_H

#include "thread.h"

void tw_modules_init(void);            /* constructor */
void tw_modules_rescan(void);          /* after dlclose */
uint32_t tw_modules_find(uintptr_t pc);/* module id; learns of new objects through _dl_find_object (glibc 2.35), which takes no lock; 0 unknown (JIT) */
uint32_t tw_modules_seq(void);
bool tw_modules_is_self(uintptr_t pc); /* inside libtwatch.so */
/* dl_iterate_phdr over this table, for libunwind: does not take the loader's lock. */
struct dl_phdr_info;
int tw_modules_iterate(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data);
/* The PT_GNU_EH_FRAME of the module that pc lies in; NULL: none. */
const uint8_t *tw_modules_unwind_header(uintptr_t pc);
void tw_modules_forked(void);

#endif
