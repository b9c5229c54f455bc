#include "modules.h"

#include <elf.h>

#include "cfi.h"
#include "real.h"

enum { MAX_MODULES = 4096 };

/* What libunwind wants to hear of each module, kept here so that unwinding asks nobody. Entries are added, and marked gone, under the lock;
   readers see `count` last. The strings belong to the loader and are copied into the record at once. */
static struct module {
    struct dl_phdr_info info;
    const uint8_t *unwind_header;
    uintptr_t start, end;
    uint32_t id;
    bool gone;
} *modules;
static uint32_t count;
static uint32_t seq = 1;
static struct tw_lock lock;
static struct tw_table table = TW_TABLE(TWATCH_CHUNK_MODULE, struct twatch_module, 2);
static uintptr_t self_start, self_end;

static void read_build_id(const struct dl_phdr_info *info, struct twatch_module *m) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_NOTE) continue;
        const char *p = (const char *)info->dlpi_addr + ph->p_vaddr, *end = p + ph->p_memsz;
        while (p + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *n = (const void *)p;
            const char *desc = p + sizeof *n + ((n->n_namesz + 3u) & ~3u);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && tw_sys_equal(p + sizeof *n, "GNU", 4)) {
                m->build_id_len = (uint8_t)(n->n_descsz < TWATCH_BUILD_ID_MAX ? n->n_descsz : TWATCH_BUILD_ID_MAX);
                tw_sys_copy(m->build_id, desc, m->build_id_len);
                return;
            }
            p = desc + ((n->n_descsz + 3u) & ~3u);
        }
    }
}

static void bounds(const struct dl_phdr_info *info, uintptr_t *start, uintptr_t *end) {
    *start = UINTPTR_MAX, *end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD) continue;
        uintptr_t a = info->dlpi_addr + ph->p_vaddr, b = a + ph->p_memsz;
        if (a < *start) *start = a;
        if (b > *end) *end = b;
    }
}

/* Under the lock. */
static void add(const struct dl_phdr_info *info) {
    uintptr_t start, end;
    bounds(info, &start, &end);
    if (end == 0 || count == MAX_MODULES) return;
    for (uint32_t i = 0; i < count; i++)
        if (!modules[i].gone && modules[i].start == start && modules[i].end == end) return;
    struct module *m = &modules[count];
    struct twatch_module *r = tw_table_new(&table, &m->id, TWATCH_LOSS_SPACE);
    if (!r) return;
    m->info = *info;
    m->start = start, m->end = end;
    m->unwind_header = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME) m->unwind_header = (const uint8_t *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    m->gone = false;
    r->bias = info->dlpi_addr, r->start = start, r->end = end;
    r->loaded_seq = ++seq;
    const char *name = info->dlpi_name;
    static char exe[4096];
    if (!name || !name[0]) {
        long n = count == 0 ? tw_sys(SYS_readlink, "/proc/self/exe", exe, sizeof exe - 1) : -1;
        exe[n > 0 ? n : 0] = 0;
        name = n > 0 ? exe : "[vdso]";
    }
    r->path = tw_store_string(name, tw_sys_length(name));
    read_build_id(info, r);
    __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
    if ((uintptr_t)tw_modules_init >= start && (uintptr_t)tw_modules_init < end) self_start = start, self_end = end;
}

static int add_each(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size, (void)arg;
    add(info);
    return 0;
}

void tw_modules_init(void) {
    if (!modules) modules = tw_sys_pages(MAX_MODULES * sizeof *modules);
    if (modules) TW_REAL(dl_iterate_phdr)(add_each, NULL);
}

bool tw_modules_is_self(uintptr_t pc) { return pc >= self_start && pc < self_end; }
uint32_t tw_modules_seq(void) { return seq; }

/* glibc 2.35 and later; asynchronous-signal-safe and lock-free. The weak reference lets the library load on an older one. */
extern int _dl_find_object(void *, struct dl_find_object *) __attribute__((weak));

static bool discover(uintptr_t pc) {
    struct dl_find_object found;
    if (!_dl_find_object || _dl_find_object((void *)pc, &found) != 0) return false;
    const ElfW(Ehdr) *eh = found.dlfo_map_start; /* the first segment carries the headers */
    if (!tw_sys_equal(eh->e_ident, ELFMAG, SELFMAG)) return false;
    struct dl_phdr_info info = {.dlpi_addr = found.dlfo_link_map->l_addr, .dlpi_name = found.dlfo_link_map->l_name,
            .dlpi_phdr = (const void *)((const char *)eh + eh->e_phoff), .dlpi_phnum = eh->e_phnum};
    tw_lock_take(&lock);
    add(&info);
    tw_lock_give(&lock);
    return true;
}

/* Most questions in a row are about one module. */
static const struct module *look_up(uintptr_t pc) {
    static uint32_t last;
    uint32_t n = __atomic_load_n(&count, __ATOMIC_ACQUIRE), k = __atomic_load_n(&last, __ATOMIC_RELAXED);
    if (k < n && !modules[k].gone && pc >= modules[k].start && pc < modules[k].end) return &modules[k];
    for (uint32_t i = 0; i < n; i++) {
        if (modules[i].gone || pc < modules[i].start || pc >= modules[i].end) continue;
        __atomic_store_n(&last, i, __ATOMIC_RELAXED);
        return &modules[i];
    }
    return NULL;
}

static const struct module *module_of(uintptr_t pc) {
    const struct module *m = look_up(pc);
    return m || !discover(pc) ? m : look_up(pc);
}

uint32_t tw_modules_find(uintptr_t pc) {
    const struct module *m = module_of(pc);
    return m ? m->id : 0;
}

const uint8_t *tw_modules_unwind_header(uintptr_t pc) {
    const struct module *m = module_of(pc);
    return m ? m->unwind_header : NULL;
}

int tw_modules_iterate(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data) {
    for (uint32_t i = 0, n = __atomic_load_n(&count, __ATOMIC_ACQUIRE); i < n; i++) {
        if (modules[i].gone) continue;
        struct dl_phdr_info info = modules[i].info;
        info.dlpi_adds = seq; /* libunwind drops its own cache of modules when these change */
        info.dlpi_subs = seq;
        int rc = callback(&info, sizeof info, data);
        if (rc) return rc;
    }
    return 0;
}

static int mark_each(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    bool *there = arg;
    uintptr_t start, end;
    bounds(info, &start, &end);
    for (uint32_t i = 0; i < count; i++)
        if (modules[i].start == start && modules[i].end == end) there[i] = true;
    return 0;
}

void tw_modules_rescan(void) {
    static bool there[MAX_MODULES];
    tw_lock_take(&lock);
    tw_sys_zero(there, sizeof there);
    TW_REAL(dl_iterate_phdr)(mark_each, there);
    for (uint32_t i = 0; i < count; i++) {
        if (there[i] || modules[i].gone) continue;
        modules[i].gone = true;
        struct twatch_module *r = tw_table_at(&table, modules[i].id);
        if (r) r->unloaded_seq = ++seq;
    }
    tw_cfi_forget();
    tw_lock_give(&lock);
}

void tw_modules_forked(void) {
    tw_table_forget(&table);
    lock = (struct tw_lock){0};
    count = 0;
    seq = 1;
    tw_modules_init();
}
