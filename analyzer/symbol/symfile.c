#include "symbol/symfile.h"

#include "base/arena.h"
#include "base/mem.h"
#include "symbol/code.h"
#include "symbol/data.h"
#include "symbol/debugfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int symfile_by_address(const void *a, const void *b) {
    const struct symfile_symbol *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    /* Of several names for one place the last of the order wins: the public one with a size, and among these the
     * shortest name. */
    if ((x->size == 0) != (y->size == 0)) return x->size == 0 ? -1 : 1;
    if (x->local != y->local) return x->local ? -1 : 1;
    size_t nx = strlen(x->name), ny = strlen(y->name);
    if (nx != ny) return nx > ny ? -1 : 1;
    return strcmp(y->name, x->name);
}

static Elf_Scn *symfile_table(Elf *elf, GElf_Word type, GElf_Shdr *header) {
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)))
        if (gelf_getshdr(section, header) && header->sh_type == type) return section;
    return NULL;
}

static void symfile_read_symbols(struct symfile *f, Elf *elf, GElf_Word type) {
    GElf_Shdr header;
    Elf_Scn *section = symfile_table(elf, type, &header);
    Elf_Data *data = section && header.sh_entsize ? elf_getdata(section, NULL) : NULL;
    if (!data) return;
    size_t n = data->d_size / (size_t)header.sh_entsize;
    free(f->symbols); /* of a table before that held nothing of use */
    f->symbols = mem_new(n + 1, sizeof *f->symbols);
    for (size_t i = 0; i < n && i < INT32_MAX; i++) {
        GElf_Sym s;
        if (!gelf_getsym(data, (int)i, &s) || s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS) continue;
        int kind = GELF_ST_TYPE(s.st_info);
        if (kind != STT_FUNC && kind != STT_OBJECT && kind != STT_NOTYPE && kind != STT_GNU_IFUNC && kind != STT_COMMON)
            continue;
        const char *name = elf_strptr(elf, header.sh_link, s.st_name);
        if (!name || !*name || *name == '$' || (kind == STT_NOTYPE && *name == '.')) continue;
        f->symbols[f->nsymbols++] = (struct symfile_symbol){.address = s.st_value,
                .size = s.st_size,
                .name = name,
                .data = kind == STT_OBJECT || kind == STT_COMMON,
                .local = GELF_ST_BIND(s.st_info) == STB_LOCAL};
    }
    qsort(f->symbols, f->nsymbols, sizeof *f->symbols, symfile_by_address);
}

const struct symfile_symbol *symfile_find(const struct symfile *f, uint64_t address, bool data) {
    size_t low = 0, high = f->nsymbols;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->symbols[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    /* Symbols of another class (markers, labels) may lie between the place and its symbol: look a few back. */
    for (size_t back = 0; back < 16 && low > back; back++) {
        const struct symfile_symbol *s = &f->symbols[low - 1 - back];
        if (s->data != data) continue;
        if (address - s->address < s->size) return s;
        if (s->size == 0 && !data && address - s->address < 65536) return s;
    }
    return NULL;
}

/*
 * Where the loader puts the TLS block of an executable (x86-64, variant II of Drepper, "ELF Handling For Thread-Local
 * Storage", 3.4.6): right below the thread pointer, moved down to the segment's alignment.
 */
static void symfile_read_tls(struct symfile *f) {
    size_t n = 0;
    if (elf_getphdrnum(f->elf, &n) != 0) return;
    for (size_t i = 0; i < n && i < INT32_MAX; i++) {
        GElf_Phdr p;
        if (!gelf_getphdr(f->elf, (int)i, &p) || p.p_type != PT_TLS) continue;
        uint64_t align = p.p_align ? p.p_align : 1;
        uint64_t first = (0 - p.p_vaddr) & (align - 1);
        f->tls_offset = ((p.p_memsz - first + align - 1) / align) * align + first;
    }
}

static int symfile_open_regular(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void symfile_read(struct symfile *f, const uint8_t *id, size_t id_len, const struct symbol_options *options) {
    f->fd = symfile_open_regular(f->path);
    if (f->fd >= 0) f->elf = elf_begin(f->fd, ELF_C_READ_MMAP, NULL);
    if (!f->elf || elf_kind(f->elf) != ELF_K_ELF) {
        f->state = SYMBOL_MISSING;
        f->why = arena_printf(f->arena, "%s is not there or cannot be read", f->path);
    } else if (id_len && !debugfile_has_build_id(f->elf, id, id_len)) {
        f->state = SYMBOL_OTHER_BUILD;
        f->why =
                arena_printf(f->arena, "%s is another build than the one that ran: its symbols were not used", f->path);
    }
    bool usable = f->state == SYMBOL_UNTRIED;
    if (usable) {
        symfile_read_tls(f);
        f->dwarf = dwarf_begin_elf(f->elf, DWARF_C_READ, NULL);
    }
    /* The separate file is named by the record's build-id, so it serves even when the program itself is gone. */
    if (!f->dwarf || !debugfile_has_info(f->dwarf)) {
        if (f->dwarf) dwarf_end(f->dwarf);
        f->dwarf = NULL;
        f->debug_fd = debugfile_open(usable ? f->elf : NULL, f->path, id, id_len, options);
        if (f->debug_fd >= 0) f->debug_elf = elf_begin(f->debug_fd, ELF_C_READ_MMAP, NULL);
        if (f->debug_elf) f->dwarf = dwarf_begin_elf(f->debug_elf, DWARF_C_READ, NULL);
    }
    if (f->debug_elf) symfile_read_symbols(f, f->debug_elf, SHT_SYMTAB);
    if (usable && !f->nsymbols) symfile_read_symbols(f, f->elf, SHT_SYMTAB);
    bool table = f->nsymbols > 0;
    if (usable && !f->nsymbols) symfile_read_symbols(f, f->elf, SHT_DYNSYM);
    if (f->dwarf) {
        f->state = SYMBOL_FULL;
        f->why = NULL;
    } else if (usable) {
        f->state = table ? SYMBOL_TABLE : SYMBOL_STRIPPED;
        f->why = arena_printf(f->arena,
                table ? "%s has no debug information (build it with -g): no source lines"
                      : "%s is stripped: only offsets",
                f->path);
    }
}

struct symfile *symfile_open(
        struct arena *arena, const char *path, const uint8_t *id, size_t id_len, const struct symbol_options *options) {
    struct symfile *f = arena_alloc(arena, sizeof *f);
    f->arena = arena;
    f->path = path;
    f->fd = f->debug_fd = -1;
    elf_version(EV_CURRENT);
    symfile_read(f, id, id_len, options);
    return f;
}

void symfile_close(struct symfile *f) {
    code_free(f->code);
    data_free(f->data);
    free(f->symbols);
    if (f->dwarf) dwarf_end(f->dwarf);
    if (f->debug_elf) elf_end(f->debug_elf);
    if (f->elf) elf_end(f->elf);
    if (f->debug_fd >= 0) close(f->debug_fd);
    if (f->fd >= 0) close(f->fd);
}
