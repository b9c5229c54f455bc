/* From an address in one file's code to functions, inlined functions and source lines. */
#ifndef TWATCH_CODE_H
#define TWATCH_CODE_H

#include "base/vec.h"
#include "symbol/symfile.h"

struct code_place {
    const char *function; /* NULL unknown */
    const char *linkage;  /* its mangled name where that is another; NULL none */
    const char *file;     /* NULL unknown */
    uint32_t line, column;
    bool inlined; /* into the next place */
};
typedef VEC(struct code_place) code_places;

/* The function whose code is at `address`, not one that was inlined there. False: no debug information. */
bool code_function(struct symfile *file, uint64_t address, Dwarf_Die *function);

/* Appends the places of `address`, innermost first; nothing when nothing is known. */
void code_lookup(struct symfile *file, uint64_t address, code_places *out);

void code_free(struct code *code);

/* Path `name` from debug information made absolute with the directory of compilation, "." and ".." folded. */
const char *code_path(struct arena *arena, const char *directory, const char *name);

#endif
