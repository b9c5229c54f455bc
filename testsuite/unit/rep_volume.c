/*
 * Large reports: 10,000 findings in each format within 5 s and 500 MB, and 100,000 stacks of this program, libc and
 * libdw looked up within 5 s. The bounds hold for a plain build; under a sanitizer only the outcome is looked at.
 */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "rep_fixture.h"

#include <link.h>
#include <sys/resource.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
enum { TIMED = 0 };
#else
enum { TIMED = 1 };
#endif

static int failures;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* other work on the machine is not counted */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void judge(const char *what, double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-12s %6.2f s, %ld MB at most so far\n", what, seconds, usage.ru_maxrss / 1024);
    if (TIMED && (seconds > 5 || usage.ru_maxrss > 500 * 1024)) failures++;
}

static void formats(void) {
    struct fixture x;
    fixture_open(&x);
    fixture_cycle(&x);
    const struct finding *model = x.findings.at[0];
    x.findings.n = 0;
    for (int i = 0; i < 10000; i++) {
        struct finding *f = arena_alloc(&x.arena, sizeof *f);
        *f = *model;
        snprintf(f->fingerprint, sizeof f->fingerprint, "%032x", i);
        vec_push(&x.findings, f);
    }
    fixture_close_list(&x);
    size_t n;
    const struct report_format *all = report_formats(&n);
    for (size_t i = 0; i < n; i++) {
        FILE *out = tmpfile();
        double start = now();
        if (!out || !report_print(&all[i], out, &x.report)) failures++;
        judge(all[i].name, now() - start);
        if (out) fclose(out);
    }
    fixture_free(&x);
}

/* ---- stacks ---- */

enum { POOL = 20000, STACKS = 100000, DEPTH = 20 };

static struct symbol_module modules[16];
static size_t nmodules;
static uint64_t pool[POOL];
static uint32_t seed = 1;

static uint32_t draw(uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static int module_add(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    struct symbol_module m = {.path = *info->dlpi_name ? info->dlpi_name : "/proc/self/exe",
            .bias = info->dlpi_addr,
            .start = UINT64_MAX};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        m.start = info->dlpi_addr + p->p_vaddr;
        m.end = m.start + p->p_memsz;
    }
    bool wanted = nmodules == 0 || strstr(m.path, "libc.so") || strstr(m.path, "libdw");
    if (wanted && m.start < m.end && nmodules < 16) modules[nmodules++] = m;
    return 0;
}

static bool stack_of(void *context, uint32_t id, struct symbol_raw_stack *out) {
    uint64_t *pc = context;
    seed = id;
    for (int i = 0; i < DEPTH; i++)
        pc[i] = pool[draw(POOL)];
    *out = (struct symbol_raw_stack){.pc = pc, .npc = DEPTH};
    return true;
}

static void stacks(void) {
    static uint64_t pc[DEPTH];
    dl_iterate_phdr(module_add, NULL);
    for (int i = 0; i < POOL; i++) {
        const struct symbol_module *m = &modules[draw((uint32_t)nmodules)];
        pool[i] = m->start + draw((uint32_t)(m->end - m->start));
    }
    struct symbol_cache *cache = symbol_cache_new(NULL);
    struct symbols *s = symbol_new(cache, &(struct symbol_source){modules, nmodules, stack_of, NULL, pc});
    double start = now();
    size_t named = 0, lines = 0, frames = 0;
    for (uint32_t id = 1; id <= STACKS; id++) {
        const struct symbol_trace *t = symbol_stack(s, id);
        for (size_t i = 0; i < t->nframes; i++) {
            frames++;
            named += t->frames[i]->function != NULL;
            lines += t->frames[i]->line != 0;
        }
    }
    judge("stacks", now() - start);
    printf("%zu frames, %zu with a function, %zu with a line\n", frames, named, lines);
    if (frames < (size_t)STACKS * DEPTH || named < frames / 4) failures++;
    symbol_free(s);
    symbol_cache_free(cache);
}

int main(void) {
    stacks();
    formats();
    return failures != 0;
}
