/*
 * The cache of emitted code, so that a program that is started a thousand times is analysed once. One file for each
 * build of a module, build of this library and configuration: a header, the trampolines as they lie in memory, and
 * their tables. The file is mapped, and where the module has its trampolines at the same distance as last time, used as
 * it is.
 *
 * The file holds code that will be executed, so it is believed only when it and its directory belong to the user and
 * nobody else may write them; what is in it is checked against damage by a hash and bounds, and against the module by a
 * hash of its code. Any doubt is a miss. A store that fails leaves no file. Other users cannot read it.
 */
#define _GNU_SOURCE
#include "module.h"
#include "space.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, PATH_ROOM = 4096, NAME_ROOM = 128 };

static const char magic[8] = "twrace86";

struct header {
    char magic[8];
    uint32_t format, bytes;
    uint64_t checksum; /* of everything behind it */
    uint64_t config, text_hash, text_addr, origin;
    uint64_t text_size;
    struct {
        uint64_t at, bytes;
    } part[X86_PARTS];
    struct x86_stats stats;
};

/* This library's own code: another build may emit other code. */
static uint64_t own_hash(void) {
    extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
    const Elf64_Phdr *ph = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    uint64_t h = 0;
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X))
            h = x86_hash((const char *)&__ehdr_start + ph[i].p_vaddr, ph[i].p_memsz, h);
    return h;
}

static uint64_t config_hash(void) {
    const struct x86_layout *l = &x86_engine.config.layout;
    uint64_t words[6] = {(uint32_t)l->epoch, (uint32_t)l->read_key, (uint32_t)l->slots, (uint32_t)l->bias, l->write_bit,
            x86_engine.config.mode};
    return x86_hash(words, sizeof words, own_hash());
}

static char *add_text(char *at, char *end, const char *text) {
    while (*text && at < end)
        *at++ = *text++;
    return at;
}

static char *add_hex(char *at, char *end, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n && end - at > 2; i++) {
        *at++ = "0123456789abcdef"[bytes[i] >> 4];
        *at++ = "0123456789abcdef"[bytes[i] & 15];
    }
    return at;
}

static int is_private(int fd, int directory) {
    struct stat st;
    return fstat(fd, &st) == 0 && (directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)) && st.st_uid == geteuid() &&
           !(st.st_mode & 022);
}

static int open_directory(const char *first, const char *second) {
    char path[PATH_ROOM], *end = path + sizeof path - 1;
    char *at = add_text(path, end, first);
    *at = 0;
    if (second) {
        mkdir(path, 0700);
        *add_text(at, end, second) = 0;
    }
    mkdir(path, 0700);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && !is_private(fd, 1)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int in_tmp(void) {
    char path[64] = "/tmp/twatch-", digits[16];
    unsigned n = 0, uid = geteuid();
    do {
        digits[n++] = (char)('0' + uid % 10);
        uid /= 10;
    } while (uid);
    char *at = path + strlen(path);
    while (n)
        *at++ = digits[--n];
    *at = 0;
    return open_directory(path, NULL);
}

/* The directory, or -1 when there is none or none wanted. */
static int cache_directory(void) {
    const char *given = x86_engine.config.cache_dir, *xdg = secure_getenv("XDG_CACHE_HOME"),
               *home = secure_getenv("HOME");
    if (given) return *given ? open_directory(given, NULL) : -1;
    int fd = xdg && *xdg == '/' ? open_directory(xdg, "/twatch") : -1;
    if (fd < 0 && home && *home == '/') {
        char path[PATH_ROOM];
        char *at = add_text(path, path + sizeof path - 1, home);
        *add_text(at, path + sizeof path - 1, "/.cache") = 0;
        fd = open_directory(path, "/twatch");
    }
    return fd >= 0 ? fd : in_tmp();
}

static void file_name(char name[NAME_ROOM], const struct x86_module *m, const struct x86_image *image) {
    char *at = name, *end = name + NAME_ROOM - 16;
    uint64_t config = config_hash();
    if (image->build_id_size) {
        at = add_hex(at, end, image->build_id, image->build_id_size < 20 ? image->build_id_size : 20);
    } else {
        at = add_hex(at, end, (const uint8_t *)&m->text_hash, sizeof m->text_hash);
    }
    at = add_text(at, end, "-");
    at = add_hex(at, end, (const uint8_t *)&config, sizeof config);
    *add_text(at, name + NAME_ROOM - 1, ".x86") = 0;
}

static int parts_fit(const struct header *h, uint64_t size) {
    static const uint8_t unit[X86_PARTS] = {1, sizeof(uint32_t), sizeof(struct x86_site_entry),
            sizeof(struct x86_patch), sizeof(struct x86_pcpoint), 1, sizeof(struct x86_pcpoint), 1};
    for (int i = 0; i < X86_PARTS; i++) {
        uint64_t at = h->part[i].at, bytes = h->part[i].bytes;
        if (at > size || bytes > size - at || bytes % unit[i] || at % 8 || bytes > 1u << 30) return 0;
    }
    uint64_t code = h->part[X86_PART_CODE].bytes;
    return !(code & 4095) && !(h->part[X86_PART_CODE].at & 4095) && code > X86_HEADER_SIZE;
}

static int tables_fit(const struct x86_module *m) {
    uint64_t code = m->part_bytes[X86_PART_CODE];
    const uint32_t *reloc = m->part[X86_PART_RELOCS];
    for (uint64_t i = 0; i < m->part_bytes[X86_PART_RELOCS] / sizeof *reloc; i++)
        if (reloc[i] < X86_HEADER_SIZE || reloc[i] > code - 4) return 0;
    const struct x86_patch *p = m->part[X86_PART_PATCHES];
    for (uint64_t i = 0; i < m->part_bytes[X86_PART_PATCHES] / sizeof *p; i++)
        if (p[i].off < p[i].nops || m->text_size < X86_JUMP_BYTES || p[i].off > m->text_size - X86_JUMP_BYTES ||
                p[i].to < X86_HEADER_SIZE || p[i].to >= code || (p[i].opcode != 0xe8 && p[i].opcode != 0xe9))
            return 0;
    const struct x86_site_entry *s = m->part[X86_PART_SITES];
    for (uint64_t i = 0; i < m->part_bytes[X86_PART_SITES] / sizeof *s; i++)
        if (s[i].off >= m->text_size) return 0;
    return 1;
}

/* The code at another distance from its module than it was written for. */
static int relocate(struct x86_module *m) {
    uint64_t origin = (uintptr_t)m->code - m->bias, shift = m->origin - origin;
    const uint32_t *reloc = m->part[X86_PART_RELOCS];
    if (!shift) return 0;
    for (uint64_t i = 0; i < m->part_bytes[X86_PART_RELOCS] / sizeof *reloc; i++) {
        int32_t d;
        memcpy(&d, m->code + reloc[i], 4);
        int64_t moved = (int64_t)((uint64_t)(int64_t)d + shift);
        d = (int32_t)moved;
        if (moved != d) return -1;
        memcpy(m->code + reloc[i], &d, 4);
    }
    m->origin = origin;
    return 0;
}

int x86_cache_move(struct x86_module *m, uintptr_t low, uintptr_t high, uintptr_t bias) {
    uint8_t *room = x86_space_near(low, high, m->code_size);
    if (!room) return -1;
    void *moved = mremap(m->code, m->code_size, m->code_size, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    if (moved == MAP_FAILED) {
        munmap(room, m->code_size);
        return -1;
    }
    m->code = moved;
    m->bias = bias;
    int failed = mprotect(m->code, m->code_size, PROT_READ | PROT_WRITE) != 0 || relocate(m) != 0;
    return mprotect(m->code, m->code_size, PROT_READ | PROT_EXEC) != 0 || failed ? -1 : 0;
}

/* Maps the code where it was written for, else anywhere near. The caller makes it executable; whether that can be is
 * tried here. */
static int map_code(struct x86_module *m, int fd, uint64_t at) {
    size_t size = m->part_bytes[X86_PART_CODE];
    void *want = (void *)(m->bias + m->origin);
    void *p = mmap(want, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, (off_t)at);
    if (p != MAP_FAILED && p != want) {
        munmap(p, size);
        p = MAP_FAILED;
    }
    if (p == MAP_FAILED) {
        uint8_t *room = x86_space_near(m->low, m->high, size);
        if (!room) return -1;
        p = mmap(room, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, (off_t)at);
        if (p == MAP_FAILED) munmap(room, size);
    }
    if (p == MAP_FAILED) return -1;
    m->code = p;
    m->code_size = (uint32_t)size;
    m->part[X86_PART_CODE] = p;
    uint64_t writable = (uintptr_t)p - m->bias == m->origin ? X86_HEADER_SIZE : size;
    if (mprotect(p, writable, PROT_READ | PROT_WRITE) == 0 && relocate(m) == 0) return 0;
    munmap(p, size);
    m->code = NULL;
    return -1;
}

/* Of the header behind the checksum and of all parts. The first page of the code is written anew each time. */
static uint64_t checksum(const struct header *h, const void *const part[X86_PARTS]) {
    size_t skip = offsetof(struct header, checksum) + sizeof h->checksum;
    uint64_t sum = x86_hash((const char *)h + skip, sizeof *h - skip, 0);
    for (int i = 0; i < X86_PARTS; i++) {
        uint64_t leave = i == X86_PART_CODE ? X86_HEADER_SIZE : 0;
        sum = x86_hash((const char *)part[i] + leave, h->part[i].bytes - leave, sum);
    }
    return sum;
}

static int accept(struct x86_module *m, const uint8_t *file, uint64_t size, int fd) {
    const struct header *h = (const void *)file;
    if (size < sizeof *h || memcmp(h->magic, magic, sizeof magic) != 0 || h->format != FORMAT ||
            h->bytes != sizeof *h || h->config != config_hash() || h->text_hash != m->text_hash ||
            h->text_addr != m->text_addr || h->text_size != m->text_size || !parts_fit(h, size))
        return -1;
    m->origin = h->origin;
    for (int i = 0; i < X86_PARTS; i++) {
        m->part[i] = file + h->part[i].at;
        m->part_bytes[i] = h->part[i].bytes;
    }
    if (h->checksum != checksum(h, m->part)) return -1;
    m->stats = h->stats;
    m->stats.from_cache = 1;
    m->stats.analyse_us = m->stats.emit_us = 0;
    if (!tables_fit(m) || map_code(m, fd, h->part[X86_PART_CODE].at) != 0) return -1;
    x86_module_maps(m);
    return 0;
}

static void reset(struct x86_module *m) {
    m->stats = (struct x86_stats){0};
    m->origin = 0;
    memset(m->part, 0, sizeof m->part);
    memset(m->part_bytes, 0, sizeof m->part_bytes);
}

int x86_cache_load(struct x86_module *m, const struct x86_image *image) {
    char name[NAME_ROOM];
    struct stat st;
    int status = -1;
    int directory = cache_directory();
    if (directory < 0) return -1;
    file_name(name, m, image);
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    close(directory);
    if (fd < 0) return -1;
    if (is_private(fd, 0) && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(struct header)) {
        size_t size = (size_t)st.st_size;
        void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (file != MAP_FAILED) {
            status = accept(m, file, size, fd); /* the tables stay mapped for as long as the process lives */
            if (status != 0) munmap(file, size);
        }
    }
    close(fd);
    if (status != 0) reset(m);
    return status;
}

static int write_all(int fd, const void *data, uint64_t bytes) {
    const char *p = data;
    while (bytes) {
        ssize_t n = write(fd, p, bytes);
        if (n <= 0) return -1;
        p += n;
        bytes -= (uint64_t)n;
    }
    return 0;
}

static int pad_to(int fd, uint64_t *at, uint64_t want) {
    static const char zeros[4096];
    uint64_t bytes = want - *at;
    *at = want;
    return bytes > sizeof zeros ? -1 : write_all(fd, zeros, bytes);
}

/* A write past the limit would end the program by SIGXFSZ. */
static int within_limit(uint64_t bytes) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur);
}

static int write_file(const struct x86_module *m, int fd) {
    struct header h = {.format = FORMAT,
            .bytes = sizeof h,
            .config = config_hash(),
            .text_hash = m->text_hash,
            .text_addr = m->text_addr,
            .origin = m->origin,
            .text_size = m->text_size,
            .stats = m->stats};
    uint64_t at = (sizeof h + 4095) & ~4095ull;
    memcpy(h.magic, magic, sizeof magic);
    for (int i = 0; i < X86_PARTS; i++) {
        h.part[i].at = at;
        h.part[i].bytes = m->part_bytes[i];
        at = (at + m->part_bytes[i] + 15) & ~15ull;
    }
    h.checksum = checksum(&h, m->part);
    if (!within_limit(at)) return -1;
    if (write_all(fd, &h, sizeof h) != 0) return -1;
    at = sizeof h;
    for (int i = 0; i < X86_PARTS; i++) {
        if (pad_to(fd, &at, h.part[i].at) != 0 || write_all(fd, m->part[i], h.part[i].bytes) != 0) return -1;
        at += h.part[i].bytes;
    }
    return pad_to(fd, &at, (at + 15) & ~15ull);
}

void x86_cache_store(const struct x86_module *m, const struct x86_image *image) {
    char name[NAME_ROOM], temporary[NAME_ROOM + 24];
    int directory = cache_directory();
    if (directory < 0) return;
    file_name(name, m, image);
    uint32_t pid = (uint32_t)getpid();
    char *at = add_text(temporary, temporary + sizeof temporary - 1, name);
    at = add_text(at, temporary + sizeof temporary - 1, ".");
    *add_hex(at, temporary + sizeof temporary - 1, (const uint8_t *)&pid, sizeof pid) = 0;
    int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        int failed = write_file(m, fd) != 0;
        if (close(fd) != 0) failed = 1;
        if (failed || renameat(directory, temporary, directory, name) != 0) {
            unlinkat(directory, temporary, 0);
        } else {
            x86_cache_prune(directory);
        }
    }
    close(directory);
}
