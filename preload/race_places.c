#include "race_places.h"

#include <elf.h>

#include "config.h"
#include "globs.h"
#include "modules.h"
#include "race_host.h"
#include "real.h"

enum { SEGMENTS = 512, WORD = 4, STEP = 1000003 };

struct segment {
    uintptr_t bias, start, end;
    uint64_t next, words; /* data: words that had their turn, and all */
    struct twatch_race_info *info;
};

static struct segment code[SEGMENTS], data[SEGMENTS];
static uint32_t ncode, ndata, seen_seq;
static uintptr_t known[SEGMENTS];
static uint32_t nknown;

static bool begins(const char *path, const char *with) {
    while (*with && *path == *with)
        path++, with++;
    return !*with;
}

static bool wanted(const char *path, bool main_program) {
    const char *name = tw_glob_last_part(path), *only = tw_config_text(TW_OPTION_races_only);
    if (begins(name, "libtwatch") || begins(name, "ld-linux") || begins(name, "linux-vdso") || begins(name, "libc.so"))
        return false;
    if (tw_glob_any(tw_config_text(TW_OPTION_races_skip), path)) return false;
    if (*only) return tw_glob_any(only, path);
    if (main_program || TW_CONFIG(races_system)) return true;
    return !begins(path, "/lib") && !begins(path, "/usr/lib") && *path == '/';
}

static void add(struct segment *list, uint32_t *n, struct segment s) {
    if (*n == SEGMENTS || s.start >= s.end) return;
    list[*n] = s;
    __atomic_store_n(n, *n + 1, __ATOMIC_RELEASE);
}

static struct twatch_race_info *new_info(uintptr_t inside) {
    struct twatch_race_info *e = tw_race_host_record(TWATCH_CHUNK_RACEINFO, sizeof *e);
    if (!e) return NULL;
    e->module = tw_modules_find(inside);
    e->flags = TWATCH_RACE_INFO_SAMPLED;
    return e;
}

/* Data that the loader protects after relocation is left out; it comes first in its segment. */
static void add_data(
        const struct dl_phdr_info *info, uintptr_t start, uintptr_t end, uintptr_t relro, struct twatch_race_info *e) {
    if (relro > start && relro <= end) start = relro;
    start = (start + WORD - 1) & ~(uintptr_t)(WORD - 1);
    if (start >= end) return;
    uint64_t words = (end - start) / WORD;
    if (e) e->accesses += words;
    add(data, &ndata, (struct segment){info->dlpi_addr, start, end, 0, words, e});
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg) {
    static char exe[4096];
    bool main_program = *(bool *)arg;
    (void)size;
    *(bool *)arg = false;
    for (uint32_t i = 0; i < nknown; i++)
        if (known[i] == info->dlpi_addr + (uintptr_t)info->dlpi_phdr) return 0;
    if (nknown < SEGMENTS) known[nknown++] = info->dlpi_addr + (uintptr_t)info->dlpi_phdr;
    const char *path = info->dlpi_name ? info->dlpi_name : "";
    if (main_program) {
        long n = tw_sys(SYS_readlink, "/proc/self/exe", exe, sizeof exe - 1);
        exe[n > 0 ? n : 0] = 0;
        path = exe;
    }
    if (!wanted(path, main_program)) return 0;
    uintptr_t relro = 0, inside = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_GNU_RELRO) relro = info->dlpi_addr + p->p_vaddr + p->p_memsz;
        if (p->p_type == PT_LOAD && p->p_flags & PF_X) inside = info->dlpi_addr + p->p_vaddr;
    }
    struct twatch_race_info *e = inside ? new_info(inside) : NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD) continue;
        if (p->p_flags & PF_X)
            add(code, &ncode, (struct segment){.bias = info->dlpi_addr, .start = start, .end = start + p->p_memsz});
        if (p->p_flags & PF_W) add_data(info, start, start + p->p_memsz, relro, e);
    }
    return 0;
}

void tw_places_refresh(void) {
    static struct tw_lock lock;
    if (seen_seq == tw_modules_seq() || !tw_lock_try(&lock)) return;
    bool first = true;
    seen_seq = tw_modules_seq();
    tw_modules_iterate(visit, &first);
    tw_lock_give(&lock);
}

static const struct segment *find(const struct segment *list, const uint32_t *n, uintptr_t a) {
    for (uint32_t i = 0, count = __atomic_load_n(n, __ATOMIC_ACQUIRE); i < count; i++)
        if (a >= list[i].start && a < list[i].end) return &list[i];
    return NULL;
}

bool tw_places_code(uintptr_t pc, uintptr_t *text) {
    const struct segment *s = find(code, &ncode, pc);
    if (s) *text = s->start;
    return s != NULL;
}

bool tw_places_data(uintptr_t address) {
    return find(data, &ndata, address) != NULL;
}

/* Words of a segment take their turns in steps of a prime, so that a large array does not keep the rest waiting. */
uintptr_t tw_places_next(void) {
    struct segment *best = NULL;
    for (uint32_t i = 0; i < ndata; i++)
        if (!best || (double)data[i].next / (double)data[i].words < (double)best->next / (double)best->words)
            best = &data[i];
    if (!best) return 0;
    uint64_t step = best->words % STEP ? STEP : 1, at = best->next++ * step % best->words;
    if (best->info && best->next <= best->words) best->info->instrumented++;
    return best->start + at * WORD;
}

void tw_places_count(uint32_t other_places, uint32_t hits, uint64_t held_ns) {
    struct twatch_race_info *e = ndata ? data[0].info : NULL;
    if (!e) return;
    __atomic_fetch_add(&e->functions, other_places, __ATOMIC_RELAXED);
    __atomic_fetch_add(&e->functions_left, hits, __ATOMIC_RELAXED);
    __atomic_fetch_add(&e->emit_us, held_ns / 1000, __ATOMIC_RELAXED);
}

void tw_places_forked(void) {
    ncode = ndata = nknown = seen_seq = 0;
}
