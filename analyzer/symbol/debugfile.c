#include "symbol/debugfile.h"

#include "base/strbuf.h"

#include <dlfcn.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool debugfile_has_build_id(Elf *elf, const uint8_t *id, size_t id_len) {
    const void *found = NULL;
    ssize_t n = dwelf_elf_gnu_build_id(elf, &found);
    return n == (ssize_t)id_len && memcmp(found, id, id_len) == 0;
}

bool debugfile_has_info(Dwarf *dwarf) {
    Dwarf_CU *unit = NULL;
    return dwarf_get_units(dwarf, NULL, &unit, NULL, NULL, NULL, NULL) == 0;
}

static int debugfile_regular(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0) return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
    close(fd);
    return -1;
}

static bool debugfile_id_matches(int fd, const uint8_t *id, size_t id_len) {
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool same = elf && debugfile_has_build_id(elf, id, id_len);
    if (elf) elf_end(elf);
    return same;
}

/* The checksum of .gnu_debuglink: CRC-32 of IEEE 802.3 over the whole file. */
static bool debugfile_crc_matches(int fd, uint32_t want) {
    uint8_t buffer[65536];
    uint32_t crc = 0xffffffffu;
    off_t at = 0;
    for (ssize_t n; (n = pread(fd, buffer, sizeof buffer, at)) > 0; at += n)
        for (ssize_t i = 0; i < n; i++) {
            crc ^= buffer[i];
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    return (crc ^ 0xffffffffu) == want;
}

static int debugfile_by_id(const char *root, const uint8_t *id, size_t id_len) {
    struct strbuf path = {0};
    strbuf_printf(&path, "%s/.build-id/%02x/", root, id[0]);
    for (size_t i = 1; i < id_len; i++)
        strbuf_printf(&path, "%02x", id[i]);
    strbuf_puts(&path, ".debug");
    int fd = debugfile_regular(strbuf_text(&path));
    if (fd >= 0 && !debugfile_id_matches(fd, id, id_len)) {
        close(fd);
        fd = -1;
    }
    strbuf_free(&path);
    return fd;
}

struct debugfile_link {
    const char *name;
    uint32_t crc;
    const uint8_t *id;
    size_t id_len;
};

static int debugfile_try(const char *directory, const char *between, const struct debugfile_link *link) {
    struct strbuf path = {0};
    strbuf_printf(&path, "%s/%s%s", directory, between, link->name);
    int fd = debugfile_regular(strbuf_text(&path));
    strbuf_free(&path);
    if (fd < 0) return -1;
    bool good = link->id_len ? debugfile_id_matches(fd, link->id, link->id_len) : debugfile_crc_matches(fd, link->crc);
    if (good) return fd;
    close(fd);
    return -1;
}

static int debugfile_by_link(Elf *elf, const char *path, const char *root, const uint8_t *id, size_t id_len) {
    GElf_Word crc = 0;
    struct debugfile_link link = {.name = dwelf_elf_gnu_debuglink(elf, &crc), .id = id, .id_len = id_len};
    const char *slash = strrchr(path, '/');
    if (!link.name || !*link.name || strchr(link.name, '/') || !slash) return -1;
    link.crc = crc;
    struct strbuf here = {0}, there = {0};
    strbuf_add(&here, path, (size_t)(slash - path));
    strbuf_printf(&there, "%s%s", root, strbuf_text(&here));
    /* The file itself may bear the linked name; it has no information, or nobody would look for more. */
    int fd = strcmp(slash + 1, link.name) == 0 ? -1 : debugfile_try(strbuf_text(&here), "", &link);
    if (fd < 0) fd = debugfile_try(strbuf_text(&here), ".debug/", &link);
    if (fd < 0) fd = debugfile_try(strbuf_text(&there), "", &link);
    strbuf_free(&here);
    strbuf_free(&there);
    return fd;
}

/* libdebuginfod is opened only when asked for: its client talks to the network. Its own time limit is 90 s a file. */
static int debugfile_by_server(const uint8_t *id, size_t id_len) {
    typedef void *begin_function(void);
    typedef int find_function(void *client, const unsigned char *id, int id_len, char **path);
    void *library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return -1;
    begin_function *begin;
    find_function *find;
    *(void **)&begin = dlsym(library, "debuginfod_begin");
    *(void **)&find = dlsym(library, "debuginfod_find_debuginfo");
    static void *client; /* one for the whole report: it keeps its connections */
    if (begin && find && !client) client = begin();
    return client && find ? find(client, id, (int)id_len, NULL) : -1;
}

int debugfile_open(Elf *elf, const char *path, const uint8_t *id, size_t id_len, const struct symbol_options *options) {
    const char *root = options->debug_root ? options->debug_root : "/usr/lib/debug";
    const void *own_id = NULL;
    if (!id_len && elf) { /* the record had none; the program on disk may */
        ssize_t n = dwelf_elf_gnu_build_id(elf, &own_id);
        if (n > 0) id = own_id, id_len = (size_t)n;
    }
    int fd = id_len > 1 ? debugfile_by_id(root, id, id_len) : -1;
    if (fd < 0 && elf) fd = debugfile_by_link(elf, path, root, id, id_len);
    if (fd < 0 && options->debuginfod && id_len > 1) fd = debugfile_by_server(id, id_len);
    return fd;
}
