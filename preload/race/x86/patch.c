/*
 * The jumps from the original code to the copies. They are written once, while nobody executes the module. Where a word
 * on the caller's stack points behind the first byte of such a jump, an interrupted piece of code may continue there (a
 * thread created in a signal handler, say): that jump is left out, and the run keeps its original.
 */
#define _GNU_SOURCE
#include "module.h"
#include "space.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct x86_patch *patches_of(const struct x86_module *m) {
    return m->part[X86_PART_PATCHES];
}
static size_t npatches_of(const struct x86_module *m) {
    return m->part_bytes[X86_PART_PATCHES] / sizeof(struct x86_patch);
}

/* The jump whose bytes, but for the first, hold the offset; -1 none. */
static int64_t patch_around(const struct x86_module *m, uint32_t off, int whole) {
    const struct x86_patch *p = patches_of(m);
    size_t lo = 0, hi = npatches_of(m);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        uint32_t end = p[mid].off + X86_JUMP_BYTES + (whole ? p[mid].dead : 0u);
        if (end <= off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo == npatches_of(m) || off <= p[lo].off - p[lo].nops) return -1;
    return (int64_t)lo;
}

static int is_written(const struct x86_module *m, const struct x86_patch *p) {
    const uint8_t *at = (const uint8_t *)(m->bias + m->text_addr) + p->off;
    int32_t displacement;
    memcpy(&displacement, at + 1, 4);
    return *at == p->opcode && at + X86_JUMP_BYTES + displacement == m->code + p->to;
}

enum x86_place x86_patch_place(const struct x86_module *m, uint32_t off, uint32_t *returns) {
    const struct x86_patch *p = patches_of(m), *end = p + npatches_of(m);
    for (size_t n = (size_t)(end - p); n;) { /* the first that ends behind off */
        size_t half = n / 2;
        if (p[half].off + X86_JUMP_BYTES + p[half].dead <= off) {
            p += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    if (p == end || off < p->off - p->nops || !is_written(m, p)) return X86_PLACE_ORIGINAL;
    if (p->opcode == 0xe9) return X86_PLACE_COPY;
    *returns = p->off + X86_JUMP_BYTES;
    return p->nops ? X86_PLACE_PUSHED : X86_PLACE_ORIGINAL;
}

/* Marks the jumps to leave out. Words of the stack from here up are looked at; most are no code. */
static void find_interrupted(const struct x86_module *m, struct x86_vec *skip) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~7ull, end = x86_space_end(here);
    uintptr_t text = m->bias + m->text_addr;
    for (; here + 8 <= end; here += 8) {
        uintptr_t word = *(const uintptr_t *)here;
        if (word - text >= m->text_size) continue;
        int64_t i = patch_around(m, (uint32_t)(word - text), x86_engine.config.selftest);
        if (i >= 0) X86_VEC_PUSH(skip, uint32_t, (uint32_t)i);
    }
}

static int is_skipped(const struct x86_vec *skip, uint32_t i) {
    for (size_t k = 0; k < X86_VEC_COUNT(skip, uint32_t); k++)
        if (X86_VEC_AT(skip, uint32_t, k) == i) return 1;
    return 0;
}

static void write_patch(const struct x86_module *m, const struct x86_patch *p) {
    uint8_t *at = (uint8_t *)(m->bias + m->text_addr) + p->off;
    int32_t displacement = (int32_t)((uintptr_t)m->code + p->to - (uintptr_t)(at + X86_JUMP_BYTES));
    memset(at - p->nops, 0x90, p->nops);
    *at = p->opcode;
    memcpy(at + 1, &displacement, 4);
    if (x86_engine.config.selftest) memset(at + X86_JUMP_BYTES, 0xcc, p->dead);
}

static int patch(struct x86_module *m, const char **why) {
    uintptr_t lo = (m->bias + m->text_addr) & ~4095ull, hi = (m->bias + m->text_addr + m->text_size + 4095) & ~4095ull;
    struct x86_vec skip = {0};
    find_interrupted(m, &skip);
    /* Executable throughout: other code may share the first or last page. Where that is refused, without. */
    if (mprotect((void *)lo, hi - lo, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 &&
            mprotect((void *)lo, hi - lo, PROT_READ | PROT_WRITE) != 0) {
        x86_vec_free(&skip);
        *why = "its code may not be made writable here";
        return -1;
    }
    const struct x86_patch *p = patches_of(m);
    size_t n = npatches_of(m);
    for (size_t i = 0; i < n; i++)
        if (!skip.used || !is_skipped(&skip, (uint32_t)i)) write_patch(m, &p[i]);
    x86_vec_free(&skip);
    if (mprotect((void *)lo, hi - lo, PROT_READ | PROT_EXEC) != 0) {
        *why = "its code could not be made executable again";
        return -1;
    }
    m->patched = 1;
    return 0;
}

int x86_patch(struct x86_module *m, const char **why) {
    int saved = errno;
    /* A handler must not run code of which half a jump is written. */
    uint64_t all = ~0ull, old = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof all);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    int status = m->live && !m->patched ? patch(m, why) : (*why = "it is patched already", -1);
    clock_gettime(CLOCK_MONOTONIC, &b);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old);
    m->stats.patch_us = (uint64_t)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000);
    errno = saved;
    return status;
}
