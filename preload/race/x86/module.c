/* The registry of instrumented modules, and what may be asked about them. */
#define _GNU_SOURCE
#include "module.h"
#include "space.h"

#include <cpuid.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

enum { MODULES_MAX = 4096 };

struct x86_state_of_engine x86_engine;
static struct x86_module *modules[MODULES_MAX];

/* For thunks.S. */
extern struct x86_hooks x86_hooks_in_use __attribute__((visibility("hidden")));
extern uint32_t x86_xsave_mask __attribute__((visibility("hidden")));
struct x86_hooks x86_hooks_in_use;
uint32_t x86_xsave_mask;
void x86_thunk_slow(void);
void x86_thunk_before(void);
void x86_thunk_after(void);
void x86_thunk_string(void);
void x86_thunk_compared(void);
void x86_thunk_fence(void);

/* x87, SSE, AVX, AVX-512: what compiled code may use. Not the tiles of AMX, which are 8 KiB and nobody's here. */
static void find_xsave(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    x86_xsave_mask = a & 0xe7;
}

int x86_init(const struct x86_config *config) {
    if (config->layout.write_bit < 32 || config->layout.write_bit > 46) return -1;
    x86_engine.config = *config;
    x86_engine.next_site = 1;
    x86_engine.ready = 1;
    x86_hooks_in_use = config->hooks;
    find_xsave();
    return 0;
}

void x86_say(const char *text) {
    if (x86_engine.config.say) x86_engine.config.say(text);
}

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9fb21c651e98df25ull;
    return h ^ h >> 32;
}

uint64_t x86_hash(const void *data, size_t bytes, uint64_t seed) {
    const unsigned char *p = data;
    uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3}, word[4] = {0};
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32) {
        memcpy(word, p + i, 32);
        for (int k = 0; k < 4; k++)
            lane[k] = mix(lane[k], word[k]);
    }
    memset(word, 0, sizeof word);
    memcpy(word, p + i, bytes - i);
    for (int k = 0; k < 4; k++)
        lane[k] = mix(lane[k], word[k]);
    return mix(mix(mix(mix(bytes, lane[0]), lane[1]), lane[2]), lane[3]);
}

void x86_module_maps(struct x86_module *m) {
    m->copies = (struct x86_pcmap){m->part[X86_PART_POINTS],
            (uint32_t)(m->part_bytes[X86_PART_POINTS] / sizeof(struct x86_pcpoint)), m->part[X86_PART_BYTES],
            (uint32_t)m->part_bytes[X86_PART_BYTES]};
    m->outlines = (struct x86_pcmap){m->part[X86_PART_OUT_POINTS],
            (uint32_t)(m->part_bytes[X86_PART_OUT_POINTS] / sizeof(struct x86_pcpoint)), m->part[X86_PART_OUT_BYTES],
            (uint32_t)m->part_bytes[X86_PART_OUT_BYTES]};
}

void x86_module_header(const struct x86_module *m) {
    void (*const thunk[X86_THUNKS])(void) = {
            x86_thunk_slow, x86_thunk_before, x86_thunk_after, x86_thunk_string, x86_thunk_compared, x86_thunk_fence};
    for (unsigned i = 0; i < X86_THUNKS; i++) {
        uint8_t *p = m->code + i * X86_HEADER_STEP;
        static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *(%rip) */
        p[0] = 0x68;                                            /* push first_site */
        memcpy(p + 1, &m->first_site, 4);
        memcpy(p + 5, jump, sizeof jump);
        memcpy(p + 11, &thunk[i], sizeof thunk[i]);
    }
}

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void count_functions(const struct x86_code *code, struct x86_stats *stats) {
    static const uint8_t reason[] = {
            [X86_BAD_DECODE] = X86_LEFT_DECODE, [X86_BAD_TABLE] = X86_LEFT_TABLE, [X86_BAD_ODD] = X86_LEFT_ODD};
    stats->functions = X86_VEC_COUNT(&code->functions, struct x86_function);
    stats->text_bytes = code->image->text_size; /* .plt and the like are a small part of it */
    for (size_t i = 0; i < stats->functions; i++) {
        const struct x86_function *f = &X86_VEC_AT(&code->functions, struct x86_function, i);
        stats->covered_bytes += f->hi - f->lo;
        if (f->state != X86_GOOD) stats->left[reason[f->state]]++;
    }
}

static void take_part(struct x86_module *m, enum x86_part part, const struct x86_vec *v) {
    m->part[part] = v->data;
    m->part_bytes[part] = v->used;
}

/* The trampolines stay; what only the emitter needed goes. */
static int keep(struct x86_module *m, struct x86_emitter *e, int ok) {
    struct x86_vec *const scratch[] = {&e->fixes, &e->far, &e->entries, &e->detours, &e->plan, &e->runs};
    struct x86_vec *const parts[] = {&e->relocs, &e->sites, &e->patches, &e->copies.points, &e->copies.bytes,
            &e->outlines.points, &e->outlines.bytes};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++)
        x86_vec_free(scratch[i]);
    uint32_t used = ok ? (e->at + 4095u) & ~4095u : 0;
    munmap(e->out + used, e->capacity - used);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (ok) {
            take_part(m, (enum x86_part)(X86_PART_RELOCS + i), parts[i]);
        } else {
            x86_vec_free(parts[i]);
        }
    }
    if (!ok) return -1;
    m->code = e->out;
    m->code_size = used;
    m->part[X86_PART_CODE] = e->out;
    m->part_bytes[X86_PART_CODE] = used;
    m->origin = e->origin;
    m->stats.code_bytes = used;
    x86_module_maps(m);
    return 0;
}

static int emit(struct x86_module *m, struct x86_code *code, const char **why) {
    /* Copies with checks take four to six times the room; unoptimised and vector code more. */
    uint64_t capacity = (uint64_t)m->text_size * (m->text_size < 1u << 26 ? 12 : 6) + (1u << 20);
    capacity = (capacity + 4095) & ~4095ull;
    struct x86_emitter e = {.code = code, .config = &x86_engine.config, .stats = &m->stats};
    e.out = capacity < 1900u << 20 ? x86_space_near(m->low, m->high, capacity) : NULL;
    if (!e.out) {
        *why = "no room near its code";
        return -1;
    }
    e.capacity = (uint32_t)capacity;
    e.origin = (uintptr_t)e.out - m->bias;
    int ok = x86_copy_all(&e) == 0;
    if (!ok) *why = "the copies do not fit, or there is no memory";
    return keep(m, &e, ok);
}

static int analyse(struct x86_module *m, struct x86_image *image, const char **why) {
    struct x86_code code = {.image = image, .stats = &m->stats};
    uint64_t start = now_us();
    int status = -1;
    *why = "no unwind tables, or no memory";
    code.decoder = x86_decoder_new(image);
    if (code.decoder && x86_functions_read(&code) == 0 && x86_leaders_find(&code) == 0) {
        count_functions(&code, &m->stats);
        uint64_t middle = now_us();
        status = emit(m, &code, why);
        m->stats.analyse_us = middle - start;
        m->stats.emit_us = now_us() - middle;
    }
    if (code.decoder) x86_decoder_free(code.decoder);
    if (code.mark && code.mark != MAP_FAILED) munmap(code.mark, image->text_size + 64u);
    x86_vec_free(&code.functions);
    x86_vec_free(&code.insns);
    x86_vec_free(&code.index);
    x86_imports_free(&code.pastimes);
    x86_imports_free(&code.creators);
    return status;
}

static struct x86_module *module_new(const char *path, uintptr_t bias, const struct x86_image *image) {
    size_t length = strlen(path) + 1;
    struct x86_module *m = mmap(NULL, sizeof *m + length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED) return NULL;
    memcpy(m->path, path, length);
    m->bias = bias;
    m->text_addr = image->text_addr;
    m->text_size = image->text_size;
    m->low = bias + image->low;
    m->high = bias + image->high;
    return m;
}

/* The file must be what was loaded; it may have been replaced on disk since. */
static int same_text(const struct x86_module *m, const struct x86_image *image) {
    return memcmp((const void *)(m->bias + m->text_addr), image->text, m->text_size) == 0;
}

static int build(struct x86_module *m, struct x86_image *image, const char **why) {
    if (!same_text(m, image)) {
        *why = "its file is not what is running";
        return -1;
    }
    m->text_hash = x86_hash(image->text, image->text_size, 0);
    int cached = !x86_engine.config.selftest && x86_cache_load(m, image) == 0;
    if (!cached && analyse(m, image, why) != 0) return -1;
    m->first_site = x86_engine.next_site;
    if (x86_module_nsites(m) > X86_SITE_PUSHED - m->first_site) {
        *why = "too many places";
        return -1;
    }
    if (!cached && !x86_engine.config.selftest) x86_cache_store(m, image);
    x86_module_header(m); /* after the store: it holds addresses of this process */
    if (mprotect(m->code, m->code_size, PROT_READ | PROT_EXEC) != 0) {
        *why = "new code may not be made executable here";
        return -1;
    }
    return 0;
}

/*
 * A module that was unloaded and comes back, perhaps elsewhere: its trampolines move with it, its sites keep their
 * numbers. NULL when this one is new.
 */
static struct x86_module *revive(const char *path, uintptr_t bias, const struct x86_image *image) {
    uint64_t hash = 0;
    for (uint32_t i = 0; i < x86_engine.nmodules; i++) {
        struct x86_module *m = modules[i];
        if (m->live || m->text_size != image->text_size || m->text_addr != image->text_addr ||
                strcmp(m->path, path) != 0)
            continue;
        if (!hash) hash = x86_hash(image->text, image->text_size, 0);
        if (m->text_hash != hash || memcmp((const void *)(bias + m->text_addr), image->text, m->text_size) != 0)
            continue;
        if (bias != m->bias && x86_cache_move(m, bias + image->low, bias + image->high, bias) != 0) return NULL;
        m->low = bias + image->low;
        m->high = bias + image->high;
        m->patched = 0;
        __atomic_store_n(&m->live, 1, __ATOMIC_RELEASE);
        return m;
    }
    return NULL;
}

/* What the slow paths themselves call must not call them. */
static int serves_us(const char *path) {
    static const char *const names[] = {"libunwind", "libZydis", "libZycore", "libtwatch"};
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0) return 1;
    return 0;
}

static struct x86_module *prepare(const char *path, uintptr_t bias, const char **why) {
    struct x86_image image;
    if (serves_us(path)) {
        *why = "the race engine itself needs it";
        return NULL;
    }
    *why = "too many modules";
    if (!x86_engine.ready || x86_engine.nmodules == MODULES_MAX || x86_image_open(&image, path, why) != 0) return NULL;
    struct x86_module *m = revive(path, bias, &image);
    if (m) {
        x86_image_close(&image);
        return m;
    }
    m = module_new(path, bias, &image);
    int status = m ? build(m, &image, why) : -1;
    x86_image_close(&image);
    if (status != 0) {
        if (m && m->code) munmap(m->code, m->code_size);
        if (m) munmap(m, sizeof *m + strlen(path) + 1);
        return NULL;
    }
    m->live = 1;
    m->number = x86_engine.nmodules;
    x86_engine.next_site += x86_module_nsites(m);
    modules[m->number] = m;
    __atomic_store_n(&x86_engine.nmodules, m->number + 1, __ATOMIC_RELEASE);
    return m;
}

struct x86_module *x86_prepare(const char *path, uintptr_t bias, const char **why) {
    int saved = errno;
    struct x86_module *m = prepare(path, bias, why);
    errno = saved;
    return m;
}

void x86_forget(uintptr_t start, uintptr_t end) {
    uint32_t n = x86_module_count();
    for (uint32_t i = 0; i < n; i++) {
        struct x86_module *m = modules[i];
        uintptr_t text = m->bias + m->text_addr;
        if (!m->live || text < start || text >= end) continue;
        m->live = 0; /* the trampolines stay, in case it comes back */
    }
}

uint32_t x86_module_count(void) {
    return __atomic_load_n(&x86_engine.nmodules, __ATOMIC_ACQUIRE);
}

struct x86_module *x86_module_of_site(uint32_t site) {
    for (uint32_t i = x86_module_count(); i-- > 0;)
        if (site >= modules[i]->first_site)
            return site - modules[i]->first_site < x86_module_nsites(modules[i]) ? modules[i] : NULL;
    return NULL;
}

struct x86_module *x86_module_of_code(uintptr_t pc) {
    for (uint32_t i = x86_module_count(); i-- > 0;)
        if (modules[i]->live && pc - (uintptr_t)modules[i]->code < modules[i]->code_size) return modules[i];
    return NULL;
}

uint32_t x86_site_access(uint32_t site) {
    const struct x86_module *m = x86_module_of_site(site);
    if (!m) return 0;
    const struct x86_site_entry *s = &x86_module_sites(m)[site - m->first_site];
    return s->size | (uint32_t)s->flags << 8;
}

int x86_site_result_used(uint32_t site) {
    const struct x86_module *m = x86_module_of_site(site);
    if (!m) return 1;
    const struct x86_site_entry *s = &x86_module_sites(m)[site - m->first_site];
    return (s->flags & X86_SITE_STRING) || (s->traits & X86_T_RESULT);
}

int x86_site(uint32_t site, struct x86_site *out) {
    const struct x86_module *m = x86_module_of_site(site);
    if (!m) return 0;
    const struct x86_site_entry *s = &x86_module_sites(m)[site - m->first_site];
    out->vaddr = m->text_addr + s->off;
    out->pc = m->bias + out->vaddr;
    out->module = m->number;
    out->size = s->size;
    out->flags = s->flags;
    return 1;
}

const char *x86_module_path(uint32_t module) {
    return module < x86_module_count() ? modules[module]->path : NULL;
}

void x86_module_stats(uint32_t module, struct x86_stats *out) {
    *out = module < x86_module_count() ? modules[module]->stats : (struct x86_stats){0};
}

uintptr_t x86_translate(uintptr_t pc, uintptr_t *pushed) {
    const struct x86_module *m = x86_module_of_code(pc);
    if (!m) return 0;
    uint32_t code = (uint32_t)(pc - (uintptr_t)m->code), at = 0, text = 0, out_at = 0, out_text = 0, returns = 0;
    int found = x86_pcmap_text(&m->copies, code, &at, &text);
    if (x86_pcmap_text(&m->outlines, code, &out_at, &out_text) && (!found || out_at > at)) {
        found = 1;
        text = out_text;
    }
    if (!found) return 0;
    uintptr_t base = m->bias + m->text_addr;
    *pushed = x86_patch_place(m, text, &returns) == X86_PLACE_PUSHED ? base + returns : 0;
    return base + text;
}

uintptr_t x86_copy_of(uintptr_t pc, uintptr_t *push) {
    for (uint32_t i = x86_module_count(); i-- > 0;) {
        const struct x86_module *m = modules[i];
        uintptr_t base = m->bias + m->text_addr;
        uint32_t off = (uint32_t)(pc - base), at = 0, returns = 0;
        if (!m->live || !m->patched || pc - base >= m->text_size) continue;
        enum x86_place place = x86_patch_place(m, off, &returns);
        if (place == X86_PLACE_ORIGINAL || !x86_pcmap_code(&m->copies, off, &at)) return 0;
        *push = place == X86_PLACE_PUSHED ? base + returns : 0;
        return (uintptr_t)m->code + at;
    }
    return 0;
}
