/*
 * Local variables by where they lie in the frame. Debug information gives them relative to the function's frame base,
 * which is the canonical frame address (GCC) or a register (Clang); what that register holds at a call is what the
 * unwind table computes the canonical frame address from.
 */
#include "symbol/local.h"

#include "symbol/code.h"
#include "symbol/data.h"
#include "symbol/type.h"

#include <dwarf.h>

enum { LOCAL_DEEPEST = 64 };

struct local_search {
    struct symfile *file;
    uint64_t address;
    int64_t offset; /* of the place, to the canonical frame address: below 0 */
    int64_t base;   /* of the frame base, to the same */
    bool has_base;
    int reg; /* the canonical frame address is this register + reg_offset; -1 unknown */
    int64_t reg_offset;
    Dwarf_Die found;
    int64_t at;     /* where it begins */
    const char *of; /* the function whose variable it is, inlined or not */
};

/* A register as a base: DW_OP_regN (frame bases), DW_OP_bregN, DW_OP_bregx (libdw's unwind tables). */
static bool local_register(const Dwarf_Op *op, int *reg, int64_t *offset) {
    if (op->atom == DW_OP_bregx) {
        *reg = op->number < 32 ? (int)op->number : -1;
        *offset = (int64_t)op->number2;
        return true;
    }
    if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
        *reg = op->atom - DW_OP_breg0;
        *offset = (int64_t)op->number;
        return true;
    }
    *reg = op->atom - DW_OP_reg0;
    *offset = 0;
    return op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31;
}

static bool local_from_register(const struct local_search *s, const Dwarf_Op *op, int64_t *at) {
    int reg;
    int64_t offset;
    if (!local_register(op, &reg, &offset) || reg != s->reg) return false;
    *at = offset - s->reg_offset;
    return true;
}

static void local_frame(struct local_search *s) {
    Dwarf_Frame *frame = NULL;
    Dwarf_Op *ops;
    size_t n;
    Dwarf_CFI *cfi = dwarf_getcfi_elf(s->file->elf);
    s->reg = -1;
    if (!cfi || dwarf_cfi_addrframe(cfi, s->address, &frame) != 0) return;
    if (dwarf_frame_cfa(frame, &ops, &n) == 0 && n == 1 && !local_register(ops, &s->reg, &s->reg_offset)) s->reg = -1;
    free(frame);
}

static const Dwarf_Op *local_location(Dwarf_Die *die, unsigned name, uint64_t address) {
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t n = 0;
    if (!dwarf_attr_integrate(die, name, &attr)) return NULL;
    return dwarf_getlocation_addr(&attr, address, &ops, &n, 1) == 1 && n == 1 ? ops : NULL;
}

static bool local_is_here(struct local_search *s, Dwarf_Die *die) {
    const Dwarf_Op *op = local_location(die, DW_AT_location, s->address);
    if (!op) return false;
    if (op->atom == DW_OP_fbreg && s->has_base)
        s->at = s->base + (int64_t)op->number;
    else if (op->atom <= DW_OP_reg31 || !local_from_register(s, op, &s->at)) /* in a register, at no address */
        return false;
    return s->offset >= s->at && (uint64_t)(s->offset - s->at) < type_size(die);
}

/* Scopes that are open at the address, the innermost first: it may share the place with another one. */
static bool local_search(struct local_search *s, Dwarf_Die *scope, Dwarf_Die *function, int depth) {
    Dwarf_Die die;
    if (depth > LOCAL_DEEPEST || dwarf_child(scope, &die) != 0) return false;
    do {
        int tag = dwarf_tag(&die);
        bool call = tag == DW_TAG_inlined_subroutine;
        if (!call && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block && tag != DW_TAG_catch_block) continue;
        if (dwarf_haspc(&die, s->address) > 0 && local_search(s, &die, call ? &die : function, depth + 1)) return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    if (dwarf_child(scope, &die) != 0) return false;
    do {
        int tag = dwarf_tag(&die);
        if ((tag != DW_TAG_variable && tag != DW_TAG_formal_parameter) || !local_is_here(s, &die)) continue;
        s->found = die;
        s->of = dwarf_diename(function);
        return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

bool local_lookup(struct symfile *f, uint64_t address, uint64_t below, struct symbol_data *out) {
    struct local_search s = {.file = f, .address = address, .offset = -(int64_t)below};
    Dwarf_Die function;
    if (!below || below > INT32_MAX || !code_function(f, address, &function)) return false;
    local_frame(&s);
    const Dwarf_Op *base = local_location(&function, DW_AT_frame_base, address);
    s.has_base = base && (base->atom == DW_OP_call_frame_cfa || local_from_register(&s, base, &s.base));
    if (!local_search(&s, &function, &function, 0)) return false;
    if (!data_describe(f, &s.found, NULL, (uint64_t)(s.offset - s.at), out)) return false;
    out->function = s.of;
    return true;
}
