/* Separate debug files: by build-id, by .gnu_debuglink, and from debuginfod when asked. */
#ifndef TWATCH_DEBUGFILE_H
#define TWATCH_DEBUGFILE_H

#include "symbol/symbol.h"

#include <elfutils/libdw.h>

bool debugfile_has_build_id(Elf *elf, const uint8_t *id, size_t id_len);

/* False for a file that has only the skeleton of debug information (an empty .debug_info, or call frame information
 * alone). */
bool debugfile_has_info(Dwarf *dwarf);

/*
 * A descriptor of the debug file of the program `path` (its `elf` NULL when the program itself is gone), -1 when there
 * is none. A file found by name is used only when its build-id, or its checksum when there is no build-id, is the
 * program's: GDB manual, "Debugging Information in Separate Files".
 */
int debugfile_open(Elf *elf, const char *path, const uint8_t *id, size_t id_len, const struct symbol_options *options);

#endif
