/* Which modules are instrumented: the executable and its own shared objects; options races_system, races_only,
 * races_skip. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ops.h"
#include "record.h"
#include "shadow.h"
#include "../globs.h"
#include "hybrid.h"
#include "quick.h"
#include "slow.h"
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>

enum { PATH = 4096 };

enum { RANGES = 256 };

/* Code of watched modules; only grows, an entry is complete before it is counted. */
static struct range {
    uintptr_t start, end;
    bool frees_only;
} ranges[RANGES];
static uint32_t nranges;

static bool ready;
static char exe[PATH];

static bool prefix(const char *path, const char *with) {
    while (*with && *path == *with)
        path++, with++;
    return !*with;
}

static bool on(const char *key) {
    const char *v = rt_host->option(key);
    return v && (prefix(v, "on") || prefix(v, "1") || prefix(v, "yes") || prefix(v, "true"));
}

static bool wanted(const char *path, bool main_program) {
    const char *only = rt_host->option("races_only"), *skip = rt_host->option("races_skip"), *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/') name = c + 1;
    if (prefix(name, "libtwatch") || prefix(name, "ld-linux") || prefix(name, "linux-vdso") || prefix(name, "libtsan"))
        return false;
    if (skip && *skip && tw_glob_any(skip, path)) return false;
    if (only && *only) return tw_glob_any(only, path);
    if (main_program) return true;
    if (prefix(name, "libc.so") || prefix(name, "libpthread.so"))
        return false; /* its parts stand in for the program: range accesses */
    bool system = prefix(path, "/lib/") || prefix(path, "/lib64/") || prefix(path, "/usr/lib/") ||
                  prefix(path, "/usr/lib64/");
    return !system || on("races_system");
}

/* True if the module was compiled with -fsanitize=thread: it calls the engine by itself. */
static bool calls_us(const struct dl_phdr_info *info) {
    const ElfW(Dyn) *d = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            d = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    const char *strings = NULL;
    size_t size = 0;
    for (; d && d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_STRTAB)
            strings = (const char *)(d->d_un.d_ptr < info->dlpi_addr ? d->d_un.d_ptr + info->dlpi_addr : d->d_un.d_ptr);
        if (d->d_tag == DT_STRSZ) size = d->d_un.d_val;
    }
    static const char name[] = "__tsan_func_entry";
    for (size_t i = 0; strings && i + sizeof name <= size; i++)
        if (strings[i] == '_' && memcmp(strings + i, name, sizeof name) == 0) return true;
    return false;
}

static void note(uint32_t module, uintptr_t bias, const char *why, const struct x86_stats *s) {
    struct twatch_race_info *e = rt_host->record(TWATCH_CHUNK_RACEINFO, sizeof *e);
    if (!e) return;
    e->module = module;
    (void)bias;
    if (why) e->reason = rt_host->string(why, strlen(why));
    if (s) {
        e->flags = s->from_cache;
        e->accesses = s->accesses;
        for (int i = X86_LEFT_SHORT; i < X86_LEFT_N; i++)
            e->left += s->left[i];
        e->instrumented = s->accesses > e->left ? s->accesses - e->left : 0;
        e->functions = s->functions;
        for (int i = 0; i < X86_LEFT_SHORT; i++)
            e->functions_left += s->left[i];
        e->text_bytes = s->text_bytes;
        e->copy_bytes = s->code_bytes;
        e->analyse_us = s->analyse_us;
        e->emit_us = s->emit_us;
    }
    rt_host->record_done(e);
}

static void instrument(const char *path, uintptr_t bias, uintptr_t inside) {
    const char *why = NULL;
    uint32_t before = x86_module_count();
    struct x86_module *m = x86_prepare(path, bias, &why);
    struct x86_stats stats;
    bool done = m && x86_patch(m, &why) == 0;
    if (done) x86_module_stats(before, &stats);
    bool guarded = rt_host->enter();
    note(rt_host->module_id(inside), bias, done ? NULL : why ? why : "not instrumented", done ? &stats : NULL);
    if (guarded) rt_host->leave();
    const char *v = rt_host->option("verbosity");
    if (!done && v && *v > '0') {
        char line[PATH + 128];
        size_t n = 0;
        for (const char *s = "left alone by the race engine: "; *s; s++)
            line[n++] = *s;
        for (const char *s = path; *s && n < PATH; s++)
            line[n++] = *s;
        line[n++] = ':', line[n++] = ' ';
        for (const char *s = why ? why : "no reason"; *s && n < sizeof line - 1; s++)
            line[n++] = *s;
        line[n] = 0;
        rt_host->say(line);
    }
}

bool rt_modules_watched(uintptr_t pc, bool freeing) {
    for (uint32_t i = 0, n = __atomic_load_n(&nranges, __ATOMIC_ACQUIRE); i < n; i++)
        if (pc >= ranges[i].start && pc <= ranges[i].end) return freeing || !ranges[i].frees_only;
    return false;
}

static void watch(const struct dl_phdr_info *info, bool frees_only) {
    for (int i = 0; i < info->dlpi_phnum && nranges < RANGES; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        ranges[nranges] = (struct range){start, start + p->p_memsz, frees_only};
        __atomic_store_n(&nranges, nranges + 1, __ATOMIC_RELEASE);
    }
}

struct visit {
    uint32_t seen;
    size_t tls;
    const char *only_path;
    uintptr_t only_bias;
};

/* operator delete and the like */
static bool frees_for_others(const char *path) {
    const char *name = path;
    for (const char *c = path; *c; c++)
        if (*c == '/') name = c + 1;
    return prefix(name, "libstdc++.so") || prefix(name, "libc++abi.so");
}

static uintptr_t interpreter; /* where CPython's evaluation loop lies; 0: none */

/* CPython's own code: its accesses are ordered by its global lock, its dictionaries and reference counts are no variables of the program, and there are a hundred of them
   to each line of Python. Instrumented only when races_only names it. */
static bool is_interpreter(const struct dl_phdr_info *info) {
    const char *only = rt_host->option("races_only");
    if (!interpreter || (only && *only)) return false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && interpreter - (info->dlpi_addr + p->p_vaddr) < p->p_memsz) return true;
    }
    return false;
}

static void leave_alone(const struct dl_phdr_info *info, uintptr_t inside, const char *why) {
    bool guarded = rt_host->enter();
    note(rt_host->module_id(inside), info->dlpi_addr, why, NULL);
    if (guarded) rt_host->leave();
}

static int visit_module(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    struct visit *v = arg;
    bool main_program = v->seen++ == 0;
    uintptr_t inside = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_TLS) v->tls += p->p_memsz + p->p_align;
        if (p->p_type == PT_LOAD && p->p_flags & PF_X && !inside) inside = info->dlpi_addr + p->p_vaddr;
    }
    if (v->only_path && info->dlpi_addr != v->only_bias) return 0;
    const char *path = main_program ? exe : info->dlpi_name;
    if (!*path || !inside) return 0;
    bool asked = wanted(path, main_program);
    if (asked && is_interpreter(info)) {
        leave_alone(info, inside, "the Python interpreter orders its accesses by its own lock");
        return 0;
    }
    if (asked || frees_for_others(path)) watch(info, !asked);
    if (!asked || calls_us(info)) return 0;
    instrument(path, info->dlpi_addr, inside);
    return 0;
}

/* Bytes of static TLS below the thread pointer, with what glibc keeps for objects that come later: a thread's stack begins
 * right under them. `seen`: of the objects there are, where glibc does not say. */
static size_t static_tls(size_t seen) {
    enum { SPARE = 4096 };
    void (*info)(size_t *size, size_t *align);
    *(void **)&info = dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
    size_t size = 0, align;
    if (info) info(&size, &align);
    return size > RT_THREAD_BLOCK && size - RT_THREAD_BLOCK >= seen ? size - RT_THREAD_BLOCK : seen + SPARE;
}

const char *rt_modules_start(void) {
    long n = rt_sys(SYS_readlink, (long)"/proc/self/exe", (long)exe, sizeof exe - 1, 0, 0, 0);
    exe[n > 0 ? n : 0] = 0;
    uintptr_t fs;
    __asm__("mov %%fs:0, %0" : "=r"(fs));
    struct x86_config config = {.layout = {.epoch = (int32_t)((uintptr_t)&rt_tls.epoch - fs),
                                        .read_key = (int32_t)((uintptr_t)&rt_tls.read_key - fs),
                                        .slots = (int32_t)((uintptr_t)&rt_tls.spill - fs),
                                        .bias = (int32_t)((uintptr_t)&rt_tls.bias - fs),
                                        .write_bit = RT_WRITE_BIT},
            .hooks = {rt_slow, rt_slow_range, rt_slow_atomic_before, rt_slow_atomic_after, rt_slow_fence,
                    rt_hybrid_on ? NULL : rt_quick},
            .mode = X86_CHECKS,
            .selftest = on("races_selftest"),
            .say = rt_host->say};
    if (x86_init(&config)) return "the thread-local layout does not fit the instrumentation";
    struct visit v = {0, 0, NULL, 0};
    ready = true;
    interpreter = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault");
    dl_iterate_phdr(visit_module, &v);
    rt_report_tls(static_tls(v.tls));
    return NULL;
}

void rt_modules_loaded(uintptr_t bias, const char *path) {
    if (!ready || !path || !*path) return;
    struct visit v = {0, 0, path, bias};
    if (!interpreter) interpreter = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault");
    dl_iterate_phdr(visit_module, &v);
}

void rt_modules_unloading(uintptr_t start, uintptr_t end) {
    if (!ready) return;
    x86_forget(start, end);
    rt_shadow_clear(start, end);
}
