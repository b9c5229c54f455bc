#include "symbol/type.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

enum { TYPE_DEEPEST = 64 }; /* types of a hostile file may refer to themselves */

/* Whole things to the reader, whatever their insides: the walk stops at these names. */
static const char *const type_opaque[] = {"pthread_mutex_t", "pthread_rwlock_t", "pthread_cond_t", "pthread_spinlock_t",
        "pthread_barrier_t", "pthread_once_t", "pthread_key_t", "sem_t", "mtx_t", "cnd_t", "once_flag", "atomic_flag",
        "FILE", "_IO_FILE"};

static bool type_is_opaque(const char *name) {
    for (size_t i = 0; name && i < sizeof type_opaque / sizeof *type_opaque; i++)
        if (strcmp(name, type_opaque[i]) == 0) return true;
    return false;
}

/* libstdc++ and libc++ spell their classes with a leading underscore or inside inline namespaces; the plain prefix is
 * the same. */
static bool type_is_std_atomic(const char *name) {
    return name && (strncmp(name, "atomic<", 7) == 0 || strncmp(name, "__atomic_base<", 14) == 0 ||
                           strncmp(name, "atomic_ref<", 11) == 0 || strcmp(name, "atomic_flag") == 0 ||
                           strncmp(name, "__atomic_float<", 15) == 0 || strcmp(name, "__atomic_flag_base") == 0);
}

static bool type_is_std_class(const char *name) {
    static const char *const classes[] = {"mutex", "recursive_mutex", "timed_mutex", "recursive_timed_mutex",
            "shared_mutex", "shared_timed_mutex", "condition_variable", "condition_variable_any", "thread", "jthread",
            "basic_string<", "vector<", "map<", "set<", "unordered_map<", "unordered_set<", "deque<", "list<", "queue<",
            "stack<", "shared_ptr<", "unique_ptr<", "function<", "optional<", "variant<", "__cxx11::basic_string<",
            "__mutex_base", "counting_semaphore<"};
    for (size_t i = 0; name && i < sizeof classes / sizeof *classes; i++) {
        size_t n = strlen(classes[i]);
        if (classes[i][n - 1] == '<' ? strncmp(name, classes[i], n) == 0 : strcmp(name, classes[i]) == 0) return true;
    }
    return false;
}

static Dwarf_Die *type_of(Dwarf_Die *die, Dwarf_Die *out) {
    Dwarf_Attribute attr;
    return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attr), out);
}

/* A declaration "struct pool;" in one unit stands for a definition in another; its own unit knows no size. */
static bool type_is_declaration(Dwarf_Die *die) {
    Dwarf_Attribute attr;
    bool flag = false;
    return dwarf_attr(die, DW_AT_declaration, &attr) && dwarf_formflag(&attr, &flag) == 0 && flag;
}

uint64_t type_size(Dwarf_Die *variable) {
    Dwarf_Die type;
    Dwarf_Word size = 0;
    return type_of(variable, &type) && dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
}

/* Strips typedefs and qualifiers; false at a thing that is whole, or at the end. Keeps the outermost name for the
 * reader. */
static bool type_peel(struct type_walk *w, Dwarf_Die *type) {
    const char *name = NULL;
    for (int i = 0; i < TYPE_DEEPEST; i++) {
        const char *here = dwarf_diename(type);
        int tag = dwarf_tag(type);
        if (here && !name) name = here;
        /* GCC writes no DW_TAG_atomic_type before DWARF 5; the typedefs of <stdatomic.h> and the C++ classes keep their
         * names. */
        if (tag == DW_TAG_atomic_type || (here && strncmp(here, "atomic_", 7) == 0)) w->atomic = true;
        if (type_is_opaque(here)) {
            w->type = here;
            return false;
        }
        bool passing = tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
                       tag == DW_TAG_atomic_type || tag == DW_TAG_restrict_type || tag == DW_TAG_packed_type ||
                       tag == DW_TAG_shared_type;
        if (passing && type_of(type, type)) continue;
        w->type = name;
        if (tag == DW_TAG_structure_type || tag == DW_TAG_class_type) {
            if (type_is_std_atomic(here)) {
                w->atomic = true;
                return false;
            }
            return !type_is_std_class(here);
        }
        return tag == DW_TAG_union_type || tag == DW_TAG_array_type;
    }
    return false;
}

static uint64_t type_member_offset(Dwarf_Die *member) {
    Dwarf_Attribute attr;
    Dwarf_Word at = 0;
    if (dwarf_formudata(dwarf_attr(member, DW_AT_data_member_location, &attr), &at) == 0) return at;
    if (dwarf_formudata(dwarf_attr(member, DW_AT_data_bit_offset, &attr), &at) == 0) return at / 8;
    return 0; /* a union's members have none */
}

/* The member that covers `*offset`; the offset becomes one in the member. */
static bool type_member(Dwarf_Die *record, uint64_t *offset, Dwarf_Die *out) {
    Dwarf_Die die;
    if (type_is_declaration(record) || dwarf_child(record, &die) != 0) return false;
    do {
        int tag = dwarf_tag(&die);
        if (tag != DW_TAG_member && tag != DW_TAG_inheritance) continue;
        if (dwarf_hasattr(&die, DW_AT_external) || type_is_declaration(&die)) continue; /* static */
        uint64_t at = type_member_offset(&die), size = type_size(&die);
        if (*offset < at || *offset - at >= size) continue;
        *offset -= at;
        *out = die;
        return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

static uint64_t type_count(Dwarf_Die *range) {
    Dwarf_Attribute attr;
    Dwarf_Word n = 0;
    if (dwarf_formudata(dwarf_attr(range, DW_AT_count, &attr), &n) == 0) return n;
    if (dwarf_formudata(dwarf_attr(range, DW_AT_upper_bound, &attr), &n) == 0 && n + 1 != 0) return n + 1;
    return 0;
}

/* Appends "[i][j]" and leaves the offset inside the element. */
static bool type_element(struct type_walk *w, Dwarf_Die *array, uint64_t *offset) {
    uint64_t counts[8];
    size_t n = 0;
    Dwarf_Die die, element;
    Dwarf_Word size = 0;
    if (dwarf_child(array, &die) == 0) do {
            if (dwarf_tag(&die) == DW_TAG_subrange_type && n < 8) counts[n++] = type_count(&die);
        } while (dwarf_siblingof(&die, &die) == 0);
    if (!type_of(array, &element) || dwarf_aggregate_size(&element, &size) != 0 || !size) return false;
    for (size_t i = 0; i < n; i++) {
        Dwarf_Word stride = size;
        for (size_t j = i + 1; j < n; j++)
            stride *= counts[j] ? counts[j] : 1;
        if (!stride) return false;
        strbuf_printf(&w->name, "[%llu]", (unsigned long long)(*offset / stride));
        strbuf_puts(&w->class, "[]");
        *offset %= stride;
    }
    return true;
}

static void type_append(struct type_walk *w, Dwarf_Die *member) {
    const char *name = dwarf_tag(member) == DW_TAG_inheritance ? NULL : dwarf_diename(member);
    if (!name || strcmp(name, "_M_elems") == 0 || strcmp(name, "__elems_") == 0) return; /* anonymous; std::array */
    strbuf_printf(&w->name, ".%s", name);
    strbuf_printf(&w->class, ".%s", name);
}

void type_walk(struct type_walk *w, Dwarf_Die *variable, uint64_t offset) {
    Dwarf_Die type, member;
    if (!type_of(variable, &type)) return;
    for (int depth = 0; depth < TYPE_DEEPEST; depth++) {
        Dwarf_Word size = 0;
        w->size = dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
        if (!type_peel(w, &type)) return;
        if (dwarf_tag(&type) == DW_TAG_array_type) {
            if (!type_element(w, &type, &offset) || !type_of(&type, &type)) return;
            continue;
        }
        if (!type_member(&type, &offset, &member)) return;
        type_append(w, &member);
        if (!type_of(&member, &type)) return;
    }
}
