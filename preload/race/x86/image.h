/*
 * A module's ELF file, mapped to read: its code, its sections and what of it may be written at run time. Addresses are
 * link-time virtual addresses (vaddr); code is addressed by its offset in the span of the code sections, ".text" for
 * short. Nothing in the file is trusted: every access is bounded.
 */
#ifndef TWATCH_RACE_X86_IMAGE_H
#define TWATCH_RACE_X86_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct x86_image {
    const uint8_t *map;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *section;
    unsigned nsections;
    const char *names;
    size_t names_size;
    int movable; /* ET_DYN */
    uint64_t text_addr;
    uint32_t text_size;
    const uint8_t *text;
    uint64_t relro_lo, relro_hi;
    uint64_t low, high; /* all of the module, page-rounded */
    uint8_t build_id[32];
    unsigned build_id_size;
    const Elf64_Shdr *recent; /* the section found last */
};

/* 0, or -1 with *why. Opens no other file; errno changes. */
int x86_image_open(struct x86_image *image, const char *path, const char **why);
void x86_image_close(struct x86_image *image);

const Elf64_Shdr *x86_image_section(const struct x86_image *image, const char *name);
/* The loaded section that holds addr, or NULL; thread-local templates are not counted. */
const Elf64_Shdr *x86_image_section_at(struct x86_image *image, uint64_t addr);
/* The bytes of [addr, addr + bytes) in the file, or NULL when not all of it is there. */
const uint8_t *x86_image_bytes(struct x86_image *image, uint64_t addr, size_t bytes);
/* The contents of a section, or NULL when it lies outside the file. */
const uint8_t *x86_image_contents(const struct x86_image *image, const Elf64_Shdr *section);
/* Is the code at addr the program's own, and not the linker's (.plt, .init)? */
int x86_image_is_program(struct x86_image *image, uint64_t addr);
/* May the program write there after relocation? */
int x86_image_writable(struct x86_image *image, uint64_t addr);

static inline int x86_image_in_text(const struct x86_image *image, uint64_t addr) {
    return addr - image->text_addr < image->text_size;
}

#endif
