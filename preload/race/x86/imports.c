/* Imported functions, by name: which calls of a module's code reach them. */
#define _GNU_SOURCE
#include "code.h"

#include <string.h>

static int is_listed(const char *name, size_t room, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        /* A name that ends in '*' stands for all that begin so. */
        if (length && names[i][length - 1] == '*') {
            if (length - 1 <= room && memcmp(name, names[i], length - 1) == 0) return 1;
        } else if (length + 1 <= room && memcmp(name, names[i], length + 1) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The relocations of one section: words that the dynamic linker binds to such a function. */
static void collect_slots(
        struct x86_code *code, struct x86_vec *slots, const Elf64_Shdr *section, const char *const *wanted, size_t n) {
    const struct x86_image *image = code->image;
    const Elf64_Rela *r = (const void *)x86_image_contents(image, section);
    if (section->sh_type != SHT_RELA || !r || section->sh_link >= image->nsections) return;
    const Elf64_Shdr *symbols = &image->section[section->sh_link];
    if (symbols->sh_type != SHT_DYNSYM || symbols->sh_link >= image->nsections) return;
    const Elf64_Sym *sym = (const void *)x86_image_contents(image, symbols);
    const Elf64_Shdr *strings = &image->section[symbols->sh_link];
    const char *names = (const char *)x86_image_contents(image, strings);
    if (!sym || !names) return;
    for (size_t i = 0; i < section->sh_size / sizeof *r; i++) {
        uint64_t s = ELF64_R_SYM(r[i].r_info);
        if (!s || s >= symbols->sh_size / sizeof *sym) continue;
        uint32_t at = sym[s].st_name;
        if (at < strings->sh_size && is_listed(names + at, strings->sh_size - at, wanted, n))
            X86_VEC_PUSH(slots, uint64_t, r[i].r_offset);
    }
}

static int contains(const struct x86_vec *v, uint64_t addr) {
    for (size_t i = 0; i < X86_VEC_COUNT(v, uint64_t); i++)
        if (X86_VEC_AT(v, uint64_t, i) == addr) return 1;
    return 0;
}

/* The entries of a PLT section: [endbr64] [bnd] jmp *slot(%rip), padded to 8 or 16 bytes. */
static void collect_plt(struct x86_code *code, struct x86_imports *imports, const char *name) {
    const Elf64_Shdr *section = x86_image_section(code->image, name);
    const uint8_t *p = section ? x86_image_contents(code->image, section) : NULL;
    if (!p) return;
    for (uint64_t at = 0; at + 6 <= section->sh_size; at++) {
        int32_t disp;
        if (p[at] != 0xff || p[at + 1] != 0x25) continue;
        memcpy(&disp, p + at + 2, 4);
        if (contains(&imports->slots, section->sh_addr + at + 6 + (uint64_t)(int64_t)disp))
            X86_VEC_PUSH(&imports->plt, uint64_t, section->sh_addr + (at & ~7ull));
    }
}

void x86_imports_find(struct x86_code *code, struct x86_imports *imports, const char *const *names, size_t n) {
    static const char *const plt[] = {".plt", ".plt.sec", ".plt.got"};
    for (unsigned i = 0; i < code->image->nsections; i++)
        collect_slots(code, &imports->slots, &code->image->section[i], names, n);
    for (size_t i = 0; imports->slots.used && i < sizeof plt / sizeof *plt; i++)
        collect_plt(code, imports, plt[i]);
}

int x86_imports_called(const struct x86_code *code, const struct x86_imports *imports, const struct x86_insn *x) {
    if (!imports->slots.used) return 0;
    if (x->kind == X86_ICALL)
        return x->base == X86_RIP && contains(&imports->slots, x86_insn_rip_target(code->image, x));
    if (x->kind != X86_CALL) return 0;
    return contains(&imports->plt, code->image->text_addr + x->off + x->len + (uint64_t)(int64_t)x->rel);
}

void x86_imports_free(struct x86_imports *imports) {
    x86_vec_free(&imports->slots);
    x86_vec_free(&imports->plt);
}
