/* Address space: where trampolines may go. */
#define _GNU_SOURCE
#include "space.h"

#include "vec.h"
#include "x86.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REACH 0x7ff00000ull /* a little less than 2 GiB */
#define PAGE 4096ull

struct range {
    uintptr_t lo, hi;
};

static int digit(unsigned char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* Parses "lo-hi ..." lines. */
static void parse(const struct x86_vec *text, struct x86_vec *ranges) {
    const unsigned char *p = text->data, *end = p + text->used;
    while (p < end) {
        struct range r = {0, 0};
        for (; p < end && digit(*p) >= 0; p++)
            r.lo = r.lo << 4 | (uintptr_t)digit(*p);
        if (p < end && *p == '-') p++;
        for (; p < end && digit(*p) >= 0; p++)
            r.hi = r.hi << 4 | (uintptr_t)digit(*p);
        X86_VEC_PUSH(ranges, struct range, r);
        while (p < end && *p != '\n')
            p++;
        if (p < end) p++;
    }
}

static struct x86_vec read_maps(void) {
    struct x86_vec text = {0}, ranges = {0};
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (fd >= 0) {
        char *to = x86_vec_grow(&text, 4096);
        ssize_t n = to ? read(fd, to, 4096) : -1;
        text.used -= to ? 4096 - (size_t)(n > 0 ? n : 0) : 0;
        if (n <= 0) break;
    }
    if (fd >= 0) close(fd);
    parse(&text, &ranges);
    x86_vec_free(&text);
    return ranges;
}

/* The highest hole of `bytes` in [lo, hi), a page away from its neighbours; 0 none. */
static uintptr_t highest_hole(const struct x86_vec *ranges, uintptr_t lo, uintptr_t hi, size_t bytes) {
    uintptr_t best = 0, free_from = lo;
    size_t n = X86_VEC_COUNT(ranges, struct range);
    for (size_t i = 0; i <= n; i++) {
        uintptr_t next = i < n ? X86_VEC_AT(ranges, struct range, i).lo : hi;
        if (next > hi) next = hi;
        if (next > free_from && next - free_from >= bytes + 2 * PAGE) best = next - PAGE - bytes;
        if (i < n && X86_VEC_AT(ranges, struct range, i).hi > free_from)
            free_from = X86_VEC_AT(ranges, struct range, i).hi;
    }
    return best;
}

static uint8_t *try_range(const struct x86_vec *ranges, uintptr_t lo, uintptr_t hi, size_t bytes) {
    uintptr_t at = lo < hi ? highest_hole(ranges, lo, hi, bytes) : 0;
    if (!at) return NULL;
    void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != MAP_FAILED && p != (void *)at) { /* a kernel that does not know the flag took it as a hint */
        munmap(p, bytes);
        p = MAP_FAILED;
    }
    return p == MAP_FAILED ? NULL : p;
}

uint8_t *x86_space_near(uintptr_t low, uintptr_t high, size_t bytes) {
    struct x86_vec ranges = read_maps();
    uintptr_t floor =
            high > REACH ? high - REACH : 0x1000000; /* never so low that a null pointer with an offset gets there */
    uint8_t *p = try_range(&ranges, floor, low, bytes);
    if (!p) p = try_range(&ranges, high, low + REACH, bytes);
    x86_vec_free(&ranges);
    return p;
}

uintptr_t x86_space_end(uintptr_t addr) {
    struct x86_vec ranges = read_maps();
    uintptr_t end = 0;
    for (size_t i = 0; i < X86_VEC_COUNT(&ranges, struct range); i++) {
        struct range r = X86_VEC_AT(&ranges, struct range, i);
        if (addr >= r.lo && addr < r.hi) end = r.hi;
    }
    x86_vec_free(&ranges);
    return end;
}

/* A directory has one link for each directory in it, its own, and its parent's: three when there is one thread. */
int x86_alone(void) {
    struct stat st;
    return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}
