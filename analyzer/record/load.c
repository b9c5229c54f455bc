#include "record/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* More than any budget allows; and what fits in the address space next to the tables made of it. */
#define LOAD_MAX ((uint64_t)1 << 40)

static bool load_extent_read(struct load *l, int fd, uint64_t from, uint64_t to, struct err *err) {
    for (uint64_t at = from; at < to;) {
        ssize_t n = pread(fd, (char *)l->bytes + at, to - at > (1u << 30) ? (1u << 30) : (size_t)(to - at), (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_at(err, at, "cannot be read: %s", strerror(errno));
        if (n == 0) { /* cut while we read: the rest is as good as not there */
            l->size = at;
            break;
        }
        at += (uint64_t)n;
    }
    vec_push(&l->extents, (struct load_extent){from, to});
    return true;
}

static bool load_read(struct load *l, int fd, struct err *err) {
    for (uint64_t at = 0; at < l->size;) {
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        off_t hole = data < 0 ? data : lseek(fd, data, SEEK_HOLE);
        if (data < 0 && errno == ENXIO) break; /* only a hole is left */
        if (data < 0 || hole < 0) {            /* a file system that does not know holes */
            data = (off_t)at;
            hole = (off_t)l->size;
        }
        uint64_t to = (uint64_t)hole < l->size ? (uint64_t)hole : l->size;
        if ((uint64_t)data >= to) break;
        if (!load_extent_read(l, fd, (uint64_t)data, to, err)) return false;
        at = to;
    }
    return true;
}

static bool load_open(struct load *l, int fd, struct err *err) {
    struct stat st;
    if (fstat(fd, &st) != 0) return err_set(err, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(st.st_mode)) return err_set(err, "is a directory");
    if (!S_ISREG(st.st_mode)) return err_set(err, "is no regular file");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    l->read_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    l->inode = st.st_ino;
    l->size = (uint64_t)st.st_size;
    if (l->size == 0) return err_at(err, 0, "is empty");
    if (l->size > LOAD_MAX) return err_set(err, "is larger than any record: %" PRIu64 " bytes", l->size);
    l->mapping_size = (size_t)l->size;
    l->bytes = mmap(NULL, l->mapping_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (l->bytes == MAP_FAILED) {
        l->bytes = NULL;
        return err_set(err, "is too large for the memory of this machine: %" PRIu64 " bytes", l->size);
    }
    if (load_read(l, fd, err)) return true;
    munmap(l->bytes, l->mapping_size);
    l->bytes = NULL;
    vec_free(&l->extents);
    return false;
}

bool load_file(struct load *l, const char *path, struct err *err) {
    *l = (struct load){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return err_set(err, "cannot be opened: %s", strerror(errno));
    bool good = load_open(l, fd, err);
    close(fd);
    return good;
}

bool load_is_mapped_by(int pid, ino_t inode) {
    char path[64], line[4096];
    if (pid <= 0) return false;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps) return false;
    bool found = false;
    /* The inode alone: the device shown there is not st_dev on file systems with subvolumes or layers. */
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long long ino;
        if (sscanf(line, "%*s %*s %*s %*s %llu", &ino) == 1) found = ino == inode;
    }
    fclose(maps);
    return found;
}
