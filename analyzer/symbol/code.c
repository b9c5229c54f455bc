#include "symbol/code.h"

#include "base/arena.h"
#include "symbol/demangle.h"

#include <dwarf.h>
#include <string.h>

/* Ranges of addresses: the units' at once, a unit's functions at the first address in it. */
struct code_range {
    uint64_t low, high;
    Dwarf_Off die; /* of the function; units: index */
};
typedef VEC(struct code_range) code_ranges;

struct code_unit {
    Dwarf_Die cu;   /* has the lines */
    Dwarf_Die tree; /* has the functions; the same but for split DWARF */
    Dwarf *dwarf;   /* of tree */
    const char *directory;
    bool indexed;
    code_ranges functions;
};

struct code {
    VEC(struct code_unit) units;
    code_ranges ranges;
};

enum {
    CODE_DEEPEST = 64
}; /* nesting of scopes and of inlined calls that is followed: hostile files nest without end */

static int code_by_low(const void *a, const void *b) {
    const struct code_range *x = a, *y = b;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    /* Wider first, so that looking backwards meets the narrowest range first. */
    return x->high > y->high ? -1 : x->high < y->high;
}

static const struct code_range *code_range_of(const code_ranges *r, uint64_t address) {
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t back = 0; back < 32 && low > back; back++)
        if (address < r->at[low - 1 - back].high) return &r->at[low - 1 - back];
    return NULL;
}

static void code_add_ranges(code_ranges *r, Dwarf_Die *die, Dwarf_Off tag) {
    Dwarf_Addr base = 0, low = 0, high = 0;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;)
        if (low < high && low != 0) vec_push(r, (struct code_range){low, high, tag});
}

static void code_add_unit(struct code *c, Dwarf_CU *unit, uint8_t type, Dwarf_Die cu, Dwarf_Die sub) {
    if (type == DW_UT_type || type == DW_UT_split_type || type == DW_UT_partial) return;
    struct code_unit u = {.cu = cu, .tree = cu};
    if (type == DW_UT_skeleton && dwarf_tag(&sub) != DW_TAG_invalid) u.tree = sub;
    u.dwarf = dwarf_cu_getdwarf(u.tree.cu ? u.tree.cu : unit);
    Dwarf_Attribute attr;
    u.directory = dwarf_formstring(dwarf_attr(&cu, DW_AT_comp_dir, &attr));
    code_add_ranges(&c->ranges, &u.cu, c->units.n);
    vec_push(&c->units, u);
}

static struct code *code_open(Dwarf *dwarf) {
    struct code *c = mem_new(1, sizeof *c);
    Dwarf_CU *unit = NULL;
    Dwarf_Die cu, sub;
    uint8_t type;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &cu, &sub) == 0)
        code_add_unit(c, unit, type, cu, sub);
    if (c->ranges.n) qsort(c->ranges.at, c->ranges.n, sizeof *c->ranges.at, code_by_low);
    return c;
}

void code_free(struct code *c) {
    if (!c) return;
    for (size_t i = 0; i < c->units.n; i++)
        vec_free(&c->units.at[i].functions);
    vec_free(&c->units);
    vec_free(&c->ranges);
    free(c);
}

/* Functions stand in units, namespaces and (Rust, some C++) types; nested ones inside functions. */
static void code_index(struct code_unit *u, Dwarf_Die *parent, int depth) {
    Dwarf_Die die;
    if (depth > CODE_DEEPEST || dwarf_child(parent, &die) != 0) return;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            code_add_ranges(&u->functions, &die, dwarf_dieoffset(&die));
            break;
        case DW_TAG_namespace:
        case DW_TAG_module:
        case DW_TAG_structure_type:
        case DW_TAG_class_type:
        case DW_TAG_enumeration_type:
            code_index(u, &die, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
}

const char *code_path(struct arena *arena, const char *directory, const char *name) {
    if (!name || !*name) return NULL;
    const char *joined =
            *name == '/' || *name == '<' || !directory ? name : arena_printf(arena, "%s/%s", directory, name);
    if (!strstr(joined, "/.") && !strstr(joined, "//")) return joined;
    char *path = arena_str(arena, joined), *out = path;
    for (const char *in = joined; *in;) {
        if (in[0] == '/' && in[1] == '/')
            in++;
        else if (in[0] == '/' && in[1] == '.' && (in[2] == '/' || !in[2]))
            in += 2;
        else if (in[0] == '/' && in[1] == '.' && in[2] == '.' && (in[3] == '/' || !in[3]) && out > path) {
            while (out > path && *--out != '/') {
            }
            in += 3;
        } else
            *out++ = *in++;
    }
    *out = 0;
    return path;
}

static const char *code_name(struct symfile *f, Dwarf_Die *function, const char **mangled_name) {
    Dwarf_Attribute attr;
    const char *plain = dwarf_formstring(dwarf_attr_integrate(function, DW_AT_name, &attr));
    Dwarf_Attribute *linkage = dwarf_attr_integrate(function, DW_AT_linkage_name, &attr);
    if (!linkage) linkage = dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &attr);
    const char *mangled = linkage ? dwarf_formstring(linkage) : NULL;
    *mangled_name = mangled;
    if (!mangled) return plain;
    const char *clear = demangle(f->arena, mangled);
    return clear != mangled || !plain ? clear : plain;
}

/* The scopes from `function` down to `address`; only inlined calls and functions are kept. */
static size_t code_chain(Dwarf_Die *function, uint64_t address, Dwarf_Die chain[CODE_DEEPEST]) {
    size_t n = 1;
    Dwarf_Die die, scope = *function;
    chain[0] = *function;
    for (int depth = 0; depth < 4 * CODE_DEEPEST && dwarf_child(&scope, &die) == 0; depth++) {
        bool found = false;
        do {
            int tag = dwarf_tag(&die);
            bool call = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
            if (!call && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block && tag != DW_TAG_catch_block) continue;
            if (dwarf_haspc(&die, address) <= 0) continue;
            if (tag == DW_TAG_subprogram) n = 0; /* a nested function is no caller of its place */
            if (call && n < CODE_DEEPEST) chain[n++] = die;
            scope = die;
            found = true;
            break;
        } while (dwarf_siblingof(&die, &die) == 0);
        if (!found) break;
    }
    return n;
}

static uint32_t code_number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attr;
    Dwarf_Word value = 0;
    return dwarf_formudata(dwarf_attr(die, name, &attr), &value) == 0 && value <= INT32_MAX ? (uint32_t)value : 0;
}

static struct code_place code_line(struct symfile *f, struct code_unit *u, uint64_t address) {
    struct code_place p = {0};
    Dwarf_Line *line = dwarf_getsrc_die(&u->cu, address);
    int number = 0, column = 0;
    if (!line) return p;
    p.file = code_path(f->arena, u->directory, dwarf_linesrc(line, NULL, NULL));
    if (dwarf_lineno(line, &number) == 0 && number > 0) p.line = (uint32_t)number;
    if (dwarf_linecol(line, &column) == 0 && column > 0) p.column = (uint32_t)column;
    return p;
}

/* Where an inlined call stands in its caller. */
static struct code_place code_call_site(struct symfile *f, struct code_unit *u, Dwarf_Die *call) {
    struct code_place p = {.line = code_number(call, DW_AT_call_line), .column = code_number(call, DW_AT_call_column)};
    Dwarf_Files *files;
    size_t n = 0, index = code_number(call, DW_AT_call_file);
    if (dwarf_getsrcfiles(&u->cu, &files, &n) == 0 && index < n)
        p.file = code_path(f->arena, u->directory, dwarf_filesrc(files, index, NULL, NULL));
    return p;
}

static void code_expand(
        struct symfile *f, struct code_unit *u, Dwarf_Die *function, uint64_t address, code_places *out) {
    Dwarf_Die chain[CODE_DEEPEST];
    size_t n = code_chain(function, address, chain);
    struct code_place place = code_line(f, u, address);
    while (n--) {
        place.function = code_name(f, &chain[n], &place.linkage);
        place.inlined = n > 0;
        vec_push(out, place);
        if (n > 0) place = code_call_site(f, u, &chain[n]);
    }
}

static struct code_unit *code_unit_of(struct symfile *f, uint64_t address) {
    if (!f->code) f->code = code_open(f->dwarf);
    const struct code_range *in = code_range_of(&f->code->ranges, address);
    if (!in) return NULL;
    struct code_unit *u = &f->code->units.at[in->die];
    if (!u->indexed) {
        code_index(u, &u->tree, 0);
        if (u->functions.n) qsort(u->functions.at, u->functions.n, sizeof *u->functions.at, code_by_low);
        u->indexed = true;
    }
    return u;
}

static bool code_function_in(const struct code_unit *u, uint64_t address, Dwarf_Die *function) {
    const struct code_range *range = code_range_of(&u->functions, address);
    return range && dwarf_offdie(u->dwarf, range->die, function);
}

bool code_function(struct symfile *f, uint64_t address, Dwarf_Die *function) {
    struct code_unit *u = f->dwarf ? code_unit_of(f, address) : NULL;
    return u && code_function_in(u, address, function);
}

static bool code_in_dwarf(struct symfile *f, uint64_t address, code_places *out) {
    struct code_unit *u = code_unit_of(f, address);
    Dwarf_Die function;
    if (!u) return false;
    if (code_function_in(u, address, &function))
        code_expand(f, u, &function, address, out);
    else
        vec_push(out, code_line(f, u, address)); /* assembly: lines without functions */
    return true;
}

void code_lookup(struct symfile *f, uint64_t address, code_places *out) {
    size_t before = out->n;
    if (f->dwarf) code_in_dwarf(f, address, out);
    const struct symfile_symbol *s = NULL;
    if (out->n == before || !out->at[out->n - 1].function) s = symfile_find(f, address, false);
    if (!s) return;
    if (out->n == before) vec_push(out, (struct code_place){0});
    struct code_place *last = &out->at[out->n - 1];
    last->function = demangle(f->arena, s->name);
    last->linkage = last->function == s->name ? NULL : s->name;
}
