/* Keeps the cache within bounds: when its files together are too large, the oldest go. */
#define _GNU_SOURCE
#include "module.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME = 256 };
#define ROOM_MAX (1ull << 30)

struct entry { /* struct linux_dirent64 */
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

struct survey {
    uint64_t bytes;
    int64_t oldest; /* nanoseconds */
    char name[NAME];
};

static int is_ours(const char *name) {
    for (const char *p = name; *p; p++)
        if (memcmp(p, ".x86", 4) == 0) return 1;
    return 0;
}

static void look_at(struct survey *s, int directory, const char *name) {
    struct stat st;
    size_t length = strnlen(name, NAME);
    if (length + 4 > NAME || !is_ours(name) || fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
        return;
    int64_t changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    s->bytes += (uint64_t)st.st_size;
    if (s->name[0] && changed >= s->oldest) return;
    s->oldest = changed;
    memcpy(s->name, name, length + 1);
}

/* The directory's files: their size together, and the oldest. */
static struct survey survey(int directory) {
    struct survey s = {0};
    char buffer[8192] __attribute__((aligned(8)));
    long n;
    if (lseek(directory, 0, SEEK_SET) != 0) return s;
    while ((n = syscall(SYS_getdents64, directory, buffer, sizeof buffer - 4)) > 0)
        for (long at = 0; at < n; at += ((struct entry *)(void *)(buffer + at))->length)
            look_at(&s, directory, ((struct entry *)(void *)(buffer + at))->name);
    return s;
}

void x86_cache_prune(int directory) {
    for (int i = 0; i < 64; i++) {
        struct survey s = survey(directory);
        if (s.bytes <= ROOM_MAX || !s.name[0] || unlinkat(directory, s.name, 0) != 0) return;
    }
}
