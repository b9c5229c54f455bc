/*
 * symbol_start(): where a function begins, from the sorted table of the unwind information (.eh_frame_hdr, Linux
 * Standard Base, "Exception Frames"). Stripped binaries have it too. The table is the file's: every offset is checked.
 */
#include "symbol/cache.h"
#include "symbol/symbol.h"

#include <string.h>

enum { VERSION = 1, UDATA4 = 0x03, SDATA4_OF_TABLE = 0x3b, HEADER = 12, ENTRY = 8 };

struct start_table {
    const unsigned char *rows; /* pairs of int32: function, its description; relative to the section's address */
    size_t n;
    uint64_t base;
};

static int32_t start_word(const unsigned char *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static bool start_table(Elf *elf, struct start_table *out) {
    Elf_Scn *section = NULL;
    size_t names;
    if (!elf || elf_getshdrstrndx(elf, &names) != 0) return false;
    while ((section = elf_nextscn(elf, section))) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!name || strcmp(name, ".eh_frame_hdr") != 0) continue;
        const Elf_Data *data = elf_rawdata(section, NULL);
        const unsigned char *p = data ? data->d_buf : NULL;
        if (!p || data->d_size < HEADER || p[0] != VERSION || p[2] != UDATA4 || p[3] != SDATA4_OF_TABLE) return false;
        size_t n = (uint32_t)start_word(p + 8), room = (data->d_size - HEADER) / ENTRY;
        *out = (struct start_table){p + HEADER, n < room ? n : room, header.sh_addr};
        return true;
    }
    return false;
}

uint64_t symbol_start(struct symbols *s, uint64_t pc) {
    int module = symbol_module_of(s, pc, 0);
    struct symfile *file = module >= 0 ? cache_file(s->cache, &s->modules[module]) : NULL;
    struct start_table t;
    if (!file || !start_table(file->elf, &t) || !t.n) return 0;
    uint64_t bias = s->modules[module].bias, at = pc - bias;
    size_t lo = 0, hi = t.n; /* the last row that begins at or before pc */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t.base + (uint64_t)(int64_t)start_word(t.rows + mid * ENTRY) <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? t.base + (uint64_t)(int64_t)start_word(t.rows + (lo - 1) * ENTRY) + bias : 0;
}
