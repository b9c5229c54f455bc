/* Walks from a variable's type and an offset in it to the member or element there. */
#ifndef TWATCH_TYPE_H
#define TWATCH_TYPE_H

#include "base/strbuf.h"
#include "symbol/symbol.h"

#include <elfutils/libdw.h>

struct type_walk {
    struct strbuf name;  /* the member path is appended: "[3].lock" */
    struct strbuf class; /* the same without indices: "[].lock" */
    const char *type;    /* name of the type where the walk ended; NULL unnamed */
    uint64_t size;
    bool atomic; /* _Atomic or std::atomic somewhere on the way */
};

/* `variable` is a DIE with a DW_AT_type. Stops early where the debug information does. */
void type_walk(struct type_walk *walk, Dwarf_Die *variable, uint64_t offset);

/* Bytes of the type of `variable`; 0 unknown. */
uint64_t type_size(Dwarf_Die *variable);

#endif
