/* From an address in one file's data to the variable, member and element there. */
#ifndef TWATCH_DATA_H
#define TWATCH_DATA_H

#include "symbol/symfile.h"

/* False: nothing known. `out->module` is left to the caller. Text lives in the file's arena. */
bool data_lookup(struct symfile *file, uint64_t address, struct symbol_data *out);

/* The same for a thread-local variable, by its offset in the file's TLS block. */
bool data_lookup_tls(struct symfile *file, uint64_t offset, struct symbol_data *out);

/* What a variable's debug information says of the byte at `offset` in it. `function`: a static local's; NULL. */
bool data_describe(
        struct symfile *file, Dwarf_Die *die, const char *function, uint64_t offset, struct symbol_data *out);

void data_free(struct data *data);

#endif
