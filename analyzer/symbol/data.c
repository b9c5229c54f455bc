#include "symbol/data.h"

#include "base/arena.h"
#include "base/vec.h"
#include "symbol/code.h"
#include "symbol/demangle.h"
#include "symbol/type.h"

#include <dwarf.h>
#include <string.h>

struct data_variable {
    uint64_t address, size; /* thread-locals: offset in the TLS block */
    Dwarf_Die die;
    const char *function; /* of a static local; NULL */
};
typedef VEC(struct data_variable) data_variables;

/*
 * Variables of files and namespaces are found by one pass over the units' upper levels; those that are static in
 * functions need a walk through every function, which is done only when an address was not found otherwise.
 */
struct data {
    data_variables statics, tls;
    bool walked, deep;
};

enum { DATA_DEEPEST = 64 };

static int data_by_address(const void *a, const void *b) {
    const struct data_variable *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;
}

/* DW_OP_addr X, DW_OP_addrx I, and either with a TLS operator behind it; anything else is no place of static storage.
 */
static bool data_address(Dwarf_Die *die, uint64_t *address, bool *tls) {
    Dwarf_Attribute attr, result;
    Dwarf_Op *op;
    size_t n = 0;
    if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &op, &n) != 0 || n == 0 || n > 2)
        return false;
    *tls = n == 2 && (op[1].atom == DW_OP_GNU_push_tls_address || op[1].atom == DW_OP_form_tls_address);
    if (n == 2 && !*tls) return false;
    switch (op[0].atom) {
    case DW_OP_addr:
        *address = op[0].number;
        return true;
    case DW_OP_const8u:
    case DW_OP_const4u:
        *address = op[0].number;
        return *tls;
    case DW_OP_addrx:
    case DW_OP_GNU_addr_index:
    case DW_OP_constx:
    case DW_OP_GNU_const_index:
        return dwarf_getlocation_attr(&attr, op, &result) == 0 && dwarf_formaddr(&result, address) == 0;
    default:
        return false;
    }
}

static void data_add(struct data *d, Dwarf_Die *die, const char *scope) {
    uint64_t address = 0;
    bool tls = false;
    if (!data_address(die, &address, &tls)) return;
    struct data_variable v = {.address = address, .size = type_size(die), .die = *die, .function = scope};
    if (tls)
        vec_push(&d->tls, v);
    else
        vec_push(&d->statics, v);
}

static void data_walk(struct data *d, Dwarf_Die *parent, const char *scope, bool inside, int depth) {
    Dwarf_Die die;
    if (depth > DATA_DEEPEST || dwarf_child(parent, &die) != 0) return;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_variable:
            if (!d->deep || inside) data_add(d, &die, scope);
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
            data_walk(d, &die, scope, inside, depth + 1);
            break;
        case DW_TAG_subprogram:
            if (d->deep) data_walk(d, &die, dwarf_diename(&die), true, depth + 1);
            break;
        case DW_TAG_lexical_block:
            if (d->deep) data_walk(d, &die, scope, inside, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
}

static void data_pass(struct symfile *f, struct data *d) {
    Dwarf_CU *unit = NULL;
    Dwarf_Die cu, sub;
    uint8_t type;
    while (dwarf_get_units(f->dwarf, unit, &unit, NULL, &type, &cu, &sub) == 0)
        data_walk(d, type == DW_UT_skeleton && dwarf_tag(&sub) != DW_TAG_invalid ? &sub : &cu, NULL, false, 0);
    if (d->statics.n) qsort(d->statics.at, d->statics.n, sizeof *d->statics.at, data_by_address);
    if (d->tls.n) qsort(d->tls.at, d->tls.n, sizeof *d->tls.at, data_by_address);
}

static const struct data_variable *data_find(const data_variables *v, uint64_t address) {
    size_t low = 0, high = v->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->at[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t back = 0; back < 8 && low > back; back++)
        if (address - v->at[low - 1 - back].address < v->at[low - 1 - back].size) return &v->at[low - 1 - back];
    return NULL;
}

static const struct data_variable *data_variable_at(struct symfile *f, uint64_t address, bool tls) {
    if (!f->dwarf) return NULL;
    if (!f->data) f->data = mem_new(1, sizeof *f->data);
    struct data *d = f->data;
    if (!d->walked) data_pass(f, d);
    d->walked = true;
    const struct data_variable *v = data_find(tls ? &d->tls : &d->statics, address);
    if (v || d->deep) return v;
    d->deep = true;
    data_pass(f, d);
    return data_find(tls ? &d->tls : &d->statics, address);
}

/* "space::counter" for C++ variables: the linkage name demangled when there is one. */
static const char *data_variable_name(struct symfile *f, Dwarf_Die *die) {
    Dwarf_Attribute attr;
    Dwarf_Attribute *linkage = dwarf_attr_integrate(die, DW_AT_linkage_name, &attr);
    const char *mangled = linkage ? dwarf_formstring(linkage) : NULL;
    const char *clear = mangled ? demangle(f->arena, mangled) : NULL;
    if (clear && clear != mangled) return clear;
    return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

/* Where it is declared, and whether its unit would say so if it were atomic. */
static void data_declared(struct symfile *f, Dwarf_Die *die, struct symbol_data *out) {
    Dwarf_Die unit;
    Dwarf_Attribute attr;
    Dwarf_Half version = 0;
    Dwarf_Files *files;
    size_t n = 0;
    int line = 0;
    if (dwarf_decl_line(die, &line) == 0 && line > 0) out->line = (uint32_t)line;
    if (!dwarf_diecu(die, &unit, NULL, NULL) ||
            dwarf_cu_info(unit.cu, &version, NULL, NULL, NULL, NULL, NULL, NULL) != 0)
        return;
    const char *file = dwarf_decl_file(die);
    /* File 0 of DWARF 5 is the unit's own; libdw takes it for "none". */
    if (!file && version >= 5 && dwarf_hasattr_integrate(die, DW_AT_decl_file) &&
            dwarf_getsrcfiles(&unit, &files, &n) == 0 && n)
        file = dwarf_filesrc(files, 0, NULL, NULL);
    out->file = code_path(f->arena, dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attr)), file);
    int language = dwarf_srclang(&unit);
    bool c = language == DW_LANG_C89 || language == DW_LANG_C || language == DW_LANG_C99 || language == DW_LANG_C11;
    if (out->atomic == SYMBOL_ATOMIC_NO && c && version < 5) out->atomic = SYMBOL_ATOMIC_UNKNOWN;
}

bool data_describe(
        struct symfile *f, Dwarf_Die *die, const char *function, uint64_t offset, struct symbol_data *out) {
    const char *name = data_variable_name(f, die);
    if (!name) return false;
    struct type_walk walk = {0};
    strbuf_puts(&walk.name, name);
    strbuf_puts(&walk.class, name);
    type_walk(&walk, die, offset);
    if (function) {
        strbuf_printf(&walk.name, " (static in %s)", function);
        strbuf_printf(&walk.class, " (static in %s)", function);
    }
    out->name = arena_str(f->arena, strbuf_text(&walk.name));
    out->class = arena_str(f->arena, strbuf_text(&walk.class));
    out->variable = name;
    out->function = function;
    out->type = walk.type;
    out->size = walk.size;
    out->is_static = !dwarf_hasattr_integrate(die, DW_AT_external);
    out->atomic = walk.atomic ? SYMBOL_ATOMIC_YES : SYMBOL_ATOMIC_NO;
    data_declared(f, die, out);
    strbuf_free(&walk.name);
    strbuf_free(&walk.class);
    return true;
}

static bool data_of_variable(
        struct symfile *f, const struct data_variable *v, uint64_t address, struct symbol_data *out) {
    Dwarf_Die die = v->die;
    return data_describe(f, &die, v->function, address - v->address, out);
}

/* GCC numbers the symbols of static locals: "calls.1". */
static const char *data_plain_name(struct symfile *f, const char *name) {
    const char *dot = strrchr(name, '.');
    if (dot && dot > name && dot[1] && dot[1 + strspn(dot + 1, "0123456789")] == 0)
        return arena_strn(f->arena, name, (size_t)(dot - name));
    return demangle(f->arena, name);
}

bool data_lookup(struct symfile *f, uint64_t address, struct symbol_data *out) {
    memset(out, 0, sizeof *out);
    const struct data_variable *v = data_variable_at(f, address, false);
    if (v && data_of_variable(f, v, address, out)) return true;
    const struct symfile_symbol *s = symfile_find(f, address, true);
    if (!s) return false;
    uint64_t offset = address - s->address;
    out->variable = data_plain_name(f, s->name);
    out->name = offset ? arena_printf(f->arena, "%s+0x%llx", out->variable, (unsigned long long)offset) : out->variable;
    out->class = out->name;
    out->size = s->size;
    out->is_static = s->local;
    return true;
}

bool data_lookup_tls(struct symfile *f, uint64_t offset, struct symbol_data *out) {
    memset(out, 0, sizeof *out);
    const struct data_variable *v = data_variable_at(f, offset, true);
    return v && data_of_variable(f, v, offset, out);
}

void data_free(struct data *d) {
    if (!d) return;
    vec_free(&d->statics);
    vec_free(&d->tls);
    free(d);
}
