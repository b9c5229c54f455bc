/* A module's ELF file, mapped to read. */
#define _GNU_SOURCE
#include "image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int within(const struct x86_image *image, uint64_t offset, uint64_t bytes) {
    return offset <= image->size && bytes <= image->size - offset;
}

const uint8_t *x86_image_contents(const struct x86_image *image, const Elf64_Shdr *section) {
    if (section->sh_type == SHT_NOBITS || !within(image, section->sh_offset, section->sh_size)) return NULL;
    return image->map + section->sh_offset;
}

const Elf64_Shdr *x86_image_section(const struct x86_image *image, const char *name) {
    size_t length = strlen(name) + 1;
    for (unsigned i = 0; i < image->nsections; i++) {
        uint32_t at = image->section[i].sh_name;
        if (at < image->names_size && image->names_size - at >= length && memcmp(image->names + at, name, length) == 0)
            return &image->section[i];
    }
    return NULL;
}

static int holds(const Elf64_Shdr *section, uint64_t addr) {
    return (section->sh_flags & SHF_ALLOC) && !(section->sh_flags & SHF_TLS) &&
           addr - section->sh_addr < section->sh_size;
}

const Elf64_Shdr *x86_image_section_at(struct x86_image *image, uint64_t addr) {
    if (image->recent && holds(image->recent, addr)) return image->recent;
    for (unsigned i = 0; i < image->nsections; i++)
        if (holds(&image->section[i], addr)) return image->recent = &image->section[i];
    return NULL;
}

const uint8_t *x86_image_bytes(struct x86_image *image, uint64_t addr, size_t bytes) {
    const Elf64_Shdr *section = x86_image_section_at(image, addr);
    if (!section || section->sh_type == SHT_NOBITS || section->sh_size - (addr - section->sh_addr) < bytes) return NULL;
    const uint8_t *contents = x86_image_contents(image, section);
    return contents ? contents + (addr - section->sh_addr) : NULL;
}

int x86_image_writable(struct x86_image *image, uint64_t addr) {
    if (addr >= image->relro_lo && addr < image->relro_hi) return 0;
    const Elf64_Shdr *section = x86_image_section_at(image, addr);
    return section && (section->sh_flags & SHF_WRITE);
}

static void read_segments(struct x86_image *image) {
    const Elf64_Ehdr *eh = image->header;
    if (eh->e_phentsize != sizeof(Elf64_Phdr) ||
            !within(image, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr)))
        return;
    const Elf64_Phdr *ph = (const void *)(image->map + eh->e_phoff);
    image->low = ~0ull;
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_GNU_RELRO) {
            image->relro_lo = ph[i].p_vaddr;
            image->relro_hi = ph[i].p_vaddr + ph[i].p_memsz;
        } else if (ph[i].p_type == PT_LOAD) {
            if (ph[i].p_vaddr < image->low) image->low = ph[i].p_vaddr & ~4095ull;
            uint64_t end = (ph[i].p_vaddr + ph[i].p_memsz + 4095) & ~4095ull;
            if (end > image->high) image->high = end;
        }
    }
}

static void read_build_id(struct x86_image *image) {
    const Elf64_Shdr *section = x86_image_section(image, ".note.gnu.build-id");
    const uint8_t *note = section ? x86_image_contents(image, section) : NULL;
    if (!note || section->sh_size < sizeof(Elf64_Nhdr)) return;
    Elf64_Nhdr head;
    memcpy(&head, note, sizeof head);
    uint64_t at = sizeof head + (((uint64_t)head.n_namesz + 3) & ~3ull);
    if (head.n_type != NT_GNU_BUILD_ID || head.n_descsz > sizeof image->build_id || at > section->sh_size ||
            section->sh_size - at < head.n_descsz)
        return;
    memcpy(image->build_id, note + at, head.n_descsz);
    image->build_id_size = head.n_descsz;
}

/* Index of the PT_LOAD that an address lies in, -1 if none: between two there may be nothing. */
static int segment_of(const struct x86_image *image, uint64_t addr) {
    const Elf64_Ehdr *eh = (const void *)image->map;
    const Elf64_Phdr *ph = (const void *)(image->map + eh->e_phoff);
    for (unsigned i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && addr - ph[i].p_vaddr < ph[i].p_filesz) return (int)i;
    return -1;
}

/*
 * The span of all code sections that are mapped together with .text: parts of one function may lie in several
 * (.text.unlikely, .text.hot), and .plt and .init may jump into it.
 */
static const char *find_text(struct x86_image *image) {
    const Elf64_Shdr *text = x86_image_section(image, ".text");
    if (!text || !(text->sh_flags & SHF_EXECINSTR)) return "no code section";
    if (!x86_image_contents(image, text)) return "a truncated file";
    uint64_t lo = text->sh_addr, hi = text->sh_addr + text->sh_size, shift = text->sh_addr - text->sh_offset;
    for (unsigned i = 0; i < image->nsections; i++) {
        const Elf64_Shdr *s = &image->section[i];
        int together = (s->sh_flags & SHF_EXECINSTR) && x86_image_contents(image, s) &&
                       s->sh_addr - s->sh_offset == shift &&
                       segment_of(image, s->sh_addr) == segment_of(image, text->sh_addr);
        if (!together) continue;
        if (s->sh_addr < lo) lo = s->sh_addr;
        if (s->sh_addr + s->sh_size > hi) hi = s->sh_addr + s->sh_size;
    }
    if (hi <= lo || hi - lo > 1u << 30) return "too much code";
    image->text_addr = lo;
    image->text_size = (uint32_t)(hi - lo);
    image->text = image->map + (lo - shift);
    return NULL;
}

int x86_image_is_program(struct x86_image *image, uint64_t addr) {
    const Elf64_Shdr *section = x86_image_section_at(image, addr);
    if (!section || !(section->sh_flags & SHF_EXECINSTR) || section->sh_name + 5ull >= image->names_size) return 0;
    return memcmp(image->names + section->sh_name, ".text", 5) == 0;
}

static const char *read_tables(struct x86_image *image) {
    const Elf64_Ehdr *eh = image->header;
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_machine != EM_X86_64 ||
            eh->e_ident[EI_CLASS] != ELFCLASS64 || (eh->e_type != ET_DYN && eh->e_type != ET_EXEC))
        return "not an x86-64 ELF file";
    if (!eh->e_shnum || eh->e_shentsize != sizeof(Elf64_Shdr) || eh->e_shstrndx >= eh->e_shnum ||
            !within(image, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(Elf64_Shdr)))
        return "no section headers";
    image->movable = eh->e_type == ET_DYN;
    image->section = (const void *)(image->map + eh->e_shoff);
    image->nsections = eh->e_shnum;
    const Elf64_Shdr *names = &image->section[eh->e_shstrndx];
    image->names = (const char *)x86_image_contents(image, names);
    image->names_size = image->names ? names->sh_size : 0;
    const char *why = find_text(image);
    if (why) return why;
    read_segments(image);
    if (image->low >= image->high) return "no program headers";
    read_build_id(image);
    return NULL;
}

int x86_image_open(struct x86_image *image, const char *path, const char **why) {
    *image = (struct x86_image){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(Elf64_Ehdr)) {
        if (fd >= 0) close(fd);
        *why = "its file cannot be read";
        return -1;
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        *why = "its file cannot be mapped";
        return -1;
    }
    image->map = map;
    image->size = (size_t)st.st_size;
    image->header = map;
    *why = read_tables(image);
    if (*why) x86_image_close(image);
    return *why ? -1 : 0;
}

void x86_image_close(struct x86_image *image) {
    if (image->map) munmap((void *)(uintptr_t)image->map, image->size);
    image->map = NULL;
}
