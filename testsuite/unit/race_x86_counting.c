/*
 * A stand-in for the race runtime: a library to preload that instruments the executable (and RACE_X86_DSO=part,part of
 * library paths) when it is loaded, with hooks that count. A program must behave under it as it does natively.
 * RACE_X86_MODE=trampolines|checks, RACE_X86_SELFTEST=1 (int3), RACE_X86_VERBOSE=1 or 2 (sites), RACE_X86_CACHE=directory ("" off).
 */
#define _GNU_SOURCE
#include "../../preload/race/x86/x86.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITE_BIT = 45 };
#define READ_KEY (0x6ull << 40)
#define TIB (1ull << 40)

static __thread struct {
    uint64_t epoch, read_key, slots[X86_SLOTS];
    uint32_t bias;
} words __attribute__((tls_model("initial-exec"))) = {
        .epoch = 0x100000001ull, .read_key = READ_KEY, .bias = 0x7fffffff};

static uint64_t slow_calls, quick_calls, range_calls, atomic_calls, fence_calls, bad_calls;

/* Cells of an access get the epoch, so that the fast path is taken from then on. */
static void slow(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    uint32_t access = x86_site_access(site);
    uintptr_t sp = regs->rsp, here = (uintptr_t)__builtin_frame_address(0);
    __atomic_fetch_add(&slow_calls, 1, __ATOMIC_RELAXED);
    if (!(access & 0xff) || sp < here || sp - here > 4096) __atomic_fetch_add(&bad_calls, 1, __ATOMIC_RELAXED);
    uintptr_t key = (access >> 8) & X86_SITE_WRITE ? 1ull << WRITE_BIT : READ_KEY;
    for (uintptr_t a = addr & ~3ull; a < addr + (access & 0xff); a += 4)
        *(volatile uint32_t *)(a ^ key) = 1;
}

/* Answers every other time, and leaves nothing in the registers that a call may change. */
static int quick(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    uint32_t access = x86_site_access(site);
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    int is_write = (kind & X86_QUICK_WRITE) != 0, differs = is_write != ((access >> 8 & X86_SITE_WRITE) != 0);
    if (differs || (access & 0xff) != 1u << (kind & X86_QUICK_SIZE) || sp < here || sp - here > 4096)
        __atomic_fetch_add(&bad_calls, 1, __ATOMIC_RELAXED);
    (void)addr;
    __asm__ volatile("mov $-1, %%rcx; mov %%rcx, %%rdx; mov %%rcx, %%rsi; mov %%rcx, %%rdi; mov %%rcx, %%r8;"
                     "mov %%rcx, %%r9; mov %%rcx, %%r10; mov %%rcx, %%r11"
                     :
                     :
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
    return __atomic_fetch_add(&quick_calls, 1, __ATOMIC_RELAXED) & 1;
}
static x86_quick_hook *const quicks[X86_QUICK_KINDS] = {[0 ... X86_QUICK_KINDS - 1] = quick};

static void range(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs) {
    (void)addr, (void)is_write, (void)regs;
    __atomic_fetch_add(&range_calls, 1, __ATOMIC_RELAXED);
    if (bytes > 1ull << 40 || !x86_site_access(site)) __atomic_fetch_add(&bad_calls, 1, __ATOMIC_RELAXED);
}

static void before(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    (void)regs, (void)site;
    words.slots[X86_SLOTS - 1] = addr; /* after() gets it from the emitted code, and compares */
    __atomic_fetch_add(&atomic_calls, 1, __ATOMIC_RELAXED);
}

static void after(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    (void)regs, (void)site;
    if (addr != words.slots[X86_SLOTS - 1]) __atomic_fetch_add(&bad_calls, 1, __ATOMIC_RELAXED);
}

static void fence(uint32_t site, const struct x86_regs *regs) {
    struct x86_site s;
    (void)regs;
    __atomic_fetch_add(&fence_calls, 1, __ATOMIC_RELAXED);
    if (!x86_site(site, &s) || !(s.flags & X86_SITE_FENCE)) __atomic_fetch_add(&bad_calls, 1, __ATOMIC_RELAXED);
}

static void say(const char *text) {
    dprintf(2, "race-x86: %s\n", text);
}

static int map_shadow(void) {
    static const uint64_t window[] = {0, 0x55, 0x56, 0x7e, 0x7f}, key[] = {1ull << WRITE_BIT, READ_KEY};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned k = 0; k < 2; k++) {
            uint64_t at = (window[i] * TIB) ^ key[k];
            if (mmap((void *)at, TIB, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != (void *)at)
                return -1;
        }
    return 0;
}

static void instrument(const char *path, uintptr_t bias) {
    const char *why = "";
    struct x86_module *m = x86_prepare(path, bias, &why);
    if (!m || x86_patch(m, &why) != 0) dprintf(2, "race-x86: %s: %s\n", path, why);
}

static void print_stats(void) {
    for (uint32_t i = 0; i < x86_module_count(); i++) {
        struct x86_stats s;
        x86_module_stats(i, &s);
        dprintf(2,
                "race-x86: %s text=%luK covered=%lu%% functions=%lu runs=%lu patched=%lu accesses=%lu checks=%lu "
                "dropped=%lu hoisted=%lu spilled=%lu "
                "flags=%lu atomics=%lu strings=%lu fences=%lu left decode=%lu table=%lu odd=%lu short=%lu vector=%lu "
                "state=%lu code=%luK "
                "analyse=%luus emit=%luus patch=%luus cached=%u\n",
                x86_module_path(i), s.text_bytes >> 10, 100 * s.covered_bytes / s.text_bytes, s.functions, s.runs,
                s.runs_patched, s.accesses, s.checks, s.dropped, s.hoisted, s.spilled, s.flags_saved, s.atomics,
                s.strings, s.fences, s.left[X86_LEFT_DECODE], s.left[X86_LEFT_TABLE], s.left[X86_LEFT_ODD],
                s.left[X86_LEFT_SHORT], s.left[X86_LEFT_VECTOR], s.left[X86_LEFT_STATE], s.code_bytes >> 10,
                s.analyse_us, s.emit_us, s.patch_us, s.from_cache);
    }
}

struct object {
    uintptr_t bias;
    char path[512];
};
static struct object objects[256];
static int nobjects;

static int collect(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (nobjects == 256) return 1;
    objects[nobjects].bias = info->dlpi_addr;
    snprintf(objects[nobjects].path, sizeof objects->path, "%s", info->dlpi_name);
    nobjects++;
    return 0;
}

static void instrument_all(void) {
    const char *wanted = getenv("RACE_X86_DSO");
    dl_iterate_phdr(collect, NULL);
    ssize_t n = readlink("/proc/self/exe", objects[0].path, sizeof objects->path - 1);
    if (n > 0) objects[0].path[n] = 0;
    const char *only = getenv("RACE_X86_EXE");
    if (only && !strstr(objects[0].path, only)) return;
    instrument(objects[0].path, objects[0].bias);
    char list[512];
    snprintf(list, sizeof list, "%s", wanted ? wanted : "");
    char *rest = NULL;
    for (char *part = strtok_r(list, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
        for (int i = 1; i < nobjects; i++)
            if (strstr(objects[i].path, part)) instrument(objects[i].path, objects[i].bias);
}

static int32_t from_fs(const void *word) {
    char *fs;
    __asm__("mov %%fs:0, %0" : "=r"(fs));
    return (int32_t)((const char *)word - fs);
}

__attribute__((constructor)) static void load(void) {
    const char *mode = getenv("RACE_X86_MODE");
    if (mode && !strcmp(mode, "off")) return;
    struct x86_config config = {
            .layout = {from_fs(&words.epoch), from_fs(&words.read_key), from_fs(words.slots), from_fs(&words.bias),
                    WRITE_BIT},
            .hooks = {slow, range, before, after, fence, quicks},
            .mode = mode && !strcmp(mode, "trampolines") ? X86_TRAMPOLINES : X86_CHECKS,
            .selftest = getenv("RACE_X86_SELFTEST") != NULL,
            .cache_dir = getenv("RACE_X86_CACHE") ? getenv("RACE_X86_CACHE") : "",
            .say = say,
    };
    if (map_shadow() != 0 || x86_init(&config) != 0) {
        say("no shadow");
        return;
    }
    instrument_all();
    const char *verbose = getenv("RACE_X86_VERBOSE");
    if (verbose) print_stats();
    struct x86_site s;
    for (uint32_t id = 1; verbose && *verbose > '1' && x86_site(id, &s); id++)
        dprintf(2, "race-x86: site %u %s+%#lx size=%u flags=%#x\n", id, x86_module_path(s.module), s.vaddr, s.size, s.flags);
}

__attribute__((destructor)) static void unload(void) {
    if (getenv("RACE_X86_VERBOSE"))
        dprintf(2, "race-x86: slow=%lu range=%lu atomic=%lu fence=%lu\n", slow_calls, range_calls, atomic_calls,
                fence_calls);
    if (bad_calls) {
        dprintf(2, "race-x86: %lu calls with bad arguments\n", bad_calls);
        _exit(99);
    }
}
