/*
 * The instrumentation from inside a program that instruments itself: translation of program counters both ways,
 * registers that the hooks see, sites and their flags, spin loops, atomics bracketed by their hooks, string lengths,
 * the cache and damaged cache files. One source, two halves, since hooks must not be instrumented themselves: cc -O2
 * -fPIC -shared -mgeneral-regs-only -DHOOKS -o units.so race_x86_units.c <objects of preload/race/x86> -lZydis cc -O2
 * -o units race_x86_units.c units.so         exit status 0: all well; 77: no room for the shadow here
 */
#define _GNU_SOURCE
#include "../../preload/race/x86/x86.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

enum { WRITE_BIT = 45 };
#define READ_KEY (0x6ull << 40)
#define TIB (1ull << 40)
#define APART __attribute__((noinline, noclone, aligned(64)))

struct seen {
    uintptr_t addr, pc;
    size_t bytes;
    uint32_t flags, calls, kind;
};
enum { SLOW = 1, RANGE_READ, RANGE_WRITE, BEFORE, AFTER, FENCE };
extern struct seen seen;
extern uint32_t history[16], nhistory;
extern uintptr_t heard; /* only accesses of the function here are noted: the test's own code is instrumented too */
extern const uint32_t biased;
void configure(const char *cache);
int vectors_survive(void);

#ifdef HOOKS

struct seen seen;
uint32_t history[16], nhistory;
uintptr_t heard;
const uint32_t biased = 0x7fffffff;

static __thread struct {
    uint64_t epoch, read_key, slots[X86_SLOTS];
    uint32_t bias;
} words __attribute__((tls_model("initial-exec"))) = {
        .epoch = 0x100000001ull, .read_key = READ_KEY, .bias = 0x7fffffff};

static void note(uint32_t kind, uintptr_t addr, size_t bytes, uint32_t site) {
    struct x86_site s = {0};
    x86_site(site, &s);
    if (!heard || s.pc - heard >= 64) return;
    if (nhistory < 16) history[nhistory++] = kind;
    seen.kind = kind;
    seen.addr = addr;
    seen.bytes = bytes;
    seen.flags = s.flags;
    seen.pc = s.pc;
    seen.calls++;
}

static void slow(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    struct x86_site s = {0};
    (void)regs;
    x86_site(site, &s);
    note(SLOW, addr, s.size, site);
}
static void range(uintptr_t addr, size_t bytes, int is_write, uint32_t site, const struct x86_regs *regs) {
    (void)regs;
    note(is_write ? RANGE_WRITE : RANGE_READ, addr, bytes, site);
}
static void before(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    (void)regs;
    note(BEFORE, addr, 0, site);
}
static void after(uintptr_t addr, uint32_t site, const struct x86_regs *regs) {
    (void)regs;
    note(AFTER, addr, 0, site);
}
static void fence(uint32_t site, const struct x86_regs *regs) {
    (void)regs;
    note(FENCE, 0, 0, site);
}

/* Leaves everything to slow, which must see what this one was given, and nothing in the registers that a call may
 * change. */
static int quick(uintptr_t addr, uint32_t site, uintptr_t sp, uint32_t kind) {
    (void)addr, (void)site, (void)sp, (void)kind;
    __asm__ volatile("mov $-1, %%rcx; mov %%rcx, %%rdx; mov %%rcx, %%rsi; mov %%rcx, %%rdi; mov %%rcx, %%r8;"
                     "mov %%rcx, %%r9; mov %%rcx, %%r10; mov %%rcx, %%r11"
                     :
                     :
                     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
    return 0;
}
static x86_quick_hook *const quicks[X86_QUICK_KINDS] = {[0 ... X86_QUICK_KINDS - 1] = quick};

static int32_t from_fs(const void *word) {
    char *fs;
    __asm__("mov %%fs:0, %0" : "=r"(fs));
    return (int32_t)((const char *)word - fs);
}

void configure(const char *cache) {
    struct x86_config config = {
            .layout = {from_fs(&words.epoch), from_fs(&words.read_key), from_fs(words.slots), from_fs(&words.bias),
                    WRITE_BIT},
            .hooks = {slow, range, before, after, fence, quicks},
            .cache_dir = cache,
    };
    x86_init(&config);
}

static void spoil(void *p) {
    __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7" : : : "memory");
    *(uint64_t *)p = 1;
}

int vectors_survive(void) {
    uint64_t got = 0, want = 0x123456789abcdefull, ran = 0;
    __asm__ volatile("movq %0, %%xmm7" : : "r"(want));
    x86_call_with_vectors(spoil, &ran);
    __asm__ volatile("movq %%xmm7, %0" : "=r"(got));
    return got == want && ran;
}

#else

static int failures;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            failures++;                                                                                                \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                 \
        }                                                                                                              \
    } while (0)

static void listen_to(const void *function) {
    memset(&seen, 0, sizeof seen);
    nhistory = 0;
    heard = (uintptr_t)function;
}

/* ---- what is instrumented */

static APART int load_int(const int *p) {
    return *p;
}
static APART void store_long(long *p, long v) {
    *p = v;
}
static APART void add_one(int *p) {
    *p += 1;
}
static APART int spin(volatile int *flag) {
    while (!*flag) {
    }
    return *flag;
}
static APART int spin_yield(volatile int *flag) {
    int n = 0;
    while (!*flag) {
        sched_yield();
        n++;
    }
    return n;
}
static APART long exchange(long *p, long v) {
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}
static APART int decrement_is_zero(int *p) {
    return __atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST) == 0;
}
static APART int compare_exchange(long *p, long want, long v) {
    return __atomic_compare_exchange_n(p, &want, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static APART void full_fence(void) {
    __sync_synchronize();
}
static APART void copy_string(void *to, const void *from, size_t n) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}
static APART int compare_string(const void *a, const void *b, size_t n) {
    unsigned char equal;
    __asm__ volatile("cmp %%rcx, %%rcx; repe cmpsb; sete %3"
                     : "+S"(a), "+D"(b), "+c"(n), "=q"(equal)
                     :
                     : "memory", "cc");
    return equal;
}
static APART void vector_copy(void *to, const void *from) {
    __asm__ volatile("movdqu (%1), %%xmm0; movdqu %%xmm0, (%0)" : : "r"(to), "r"(from) : "memory");
}
static APART int flags_survive(int *p, long a, long b) {
    int less;
    __asm__ volatile("cmp %3, %2; movl (%1), %%eax; movl %%eax, 4(%1); setl %b0; movzbl %b0, %0"
                     : "=&q"(less)
                     : "r"(p), "r"(a), "r"(b)
                     : "rax", "memory", "cc");
    return less;
}

/* ---- the tests */

static void test_accesses(void) {
    static int cell[4];
    static long wide;
    static unsigned char bytes[64] __attribute__((aligned(16)));
    listen_to(load_int);
    EXPECT(load_int(cell) == 0 && seen.kind == SLOW && seen.addr == (uintptr_t)cell && seen.bytes == 4);
    EXPECT(seen.flags == (X86_SITE_READ | X86_SITE_MOV));
    EXPECT(seen.pc - (uintptr_t)load_int < 32);
    listen_to(store_long);
    store_long(&wide, 77);
    EXPECT(wide == 77 && seen.addr == (uintptr_t)&wide && seen.bytes == 8 &&
            seen.flags == (X86_SITE_WRITE | X86_SITE_MOV));
    listen_to(add_one);
    add_one(cell);
    EXPECT(cell[0] == 1 && (seen.flags & 3) == 3 && seen.calls == 1);
    *(uint32_t *)((uintptr_t)cell ^ 1ull << WRITE_BIT) = 1; /* the cell holds the epoch: nothing to say */
    listen_to(add_one);
    add_one(cell);
    EXPECT(cell[0] == 2 && seen.calls == 0);
    listen_to(vector_copy);
    vector_copy(bytes, bytes + 16);
    EXPECT(nhistory == 2 && seen.bytes == 16);
    for (int last = 0; last < 16; last += 4) { /* each of the four cells counts */
        for (int i = 0; i < 16; i += 4)
            *(uint32_t *)(((uintptr_t)bytes + (uintptr_t)i) ^ 1ull << WRITE_BIT) = i == last ? 5 : 1;
        listen_to(vector_copy);
        vector_copy(bytes, bytes + 16);
        EXPECT(nhistory == 2 && seen.addr == (uintptr_t)bytes);
    }
    for (long a = -1; a < 2; a++)
        EXPECT(flags_survive(cell, a, 0) == (a < 0));
    heard = 0;
}

static void test_atomics(void) {
    static long v = 5;
    static int n = 2;
    listen_to(exchange);
    EXPECT(exchange(&v, 9) == 5 && v == 9 && nhistory == 2 && history[0] == BEFORE && history[1] == AFTER);
    EXPECT(seen.addr == (uintptr_t)&v && (seen.flags & X86_SITE_ATOMIC));
    listen_to(decrement_is_zero);
    EXPECT(!decrement_is_zero(&n) && decrement_is_zero(&n) && nhistory == 4);
    listen_to(compare_exchange);
    EXPECT(compare_exchange(&v, 9, 10) && !compare_exchange(&v, 9, 11) && v == 10 && nhistory == 4);
    *(uint32_t *)((uintptr_t)&v ^ 1ull << WRITE_BIT) = biased; /* only this thread has used it */
    listen_to(exchange);
    EXPECT(exchange(&v, 1) == 10 && nhistory == 0);
    listen_to(full_fence);
    full_fence();
    EXPECT(nhistory == 1 && history[0] == FENCE);
    heard = 0;
}

static void test_strings(void) {
    static char a[100], b[100];
    memset(a, 7, sizeof a);
    listen_to(copy_string);
    copy_string(b, a, 50);
    EXPECT(nhistory == 2 && seen.bytes == 50 && b[49] == 7 && b[50] == 0 && (seen.flags & X86_SITE_STRING));
    EXPECT(history[0] == RANGE_READ && history[1] == RANGE_WRITE && seen.addr == (uintptr_t)b);
    listen_to(compare_string);
    EXPECT(compare_string(a, b, 50) == 1 && seen.bytes == 50);
    listen_to(compare_string);
    EXPECT(compare_string(a, b, 100) == 0 && nhistory == 2 && seen.bytes == 51 && seen.addr == (uintptr_t)b);
    listen_to(copy_string);
    copy_string(b, a, 0);
    EXPECT(nhistory == 0);
    heard = 0;
}

static void test_spin(void) {
    static volatile int flag = 1;
    listen_to(spin);
    spin(&flag);
    EXPECT(seen.flags & X86_SITE_READ);
    int found = 0;
    for (uint32_t id = 1; id < 100000; id++) {
        struct x86_site s;
        if (!x86_site(id, &s)) break;
        if (!(s.flags & X86_SITE_SPIN)) continue;
        if (s.pc - (uintptr_t)spin < 32) found |= 1;
        if (s.pc - (uintptr_t)spin_yield < 64) found |= 2;
        EXPECT(s.pc - (uintptr_t)load_int >= 64);
    }
    EXPECT(found & 1);
    EXPECT(found & 2);
    heard = 0;
}

static sigjmp_buf back;
static uintptr_t fault_pc, fault_copy;
static void on_fault(int signal, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    (void)signal, (void)info;
    uintptr_t pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    uintptr_t word = 0;
    fault_pc = x86_translate(pc, &word);
    fault_copy = fault_pc ? x86_copy_of(fault_pc, &word) : 0;
    siglongjmp(back, 1);
}

static void test_translation(void) {
    struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, old;
    int *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &act, &old);
    if (!sigsetjmp(back, 1)) {
        volatile int unused = load_int(nowhere);
        (void)unused;
        EXPECT(!"a fault");
    }
    sigaction(SIGSEGV, &old, NULL);
    EXPECT(fault_pc - (uintptr_t)load_int < 32);
    uintptr_t word = 1, inside = (uintptr_t)load_int + 1;
    EXPECT(fault_copy && x86_translate(fault_copy, &word) == fault_pc && !word);
    EXPECT(x86_translate((uintptr_t)load_int, &word) == 0); /* not a trampoline */
    uintptr_t copy = x86_copy_of(inside, &word);
    EXPECT(copy == 0 || x86_translate(copy, &word) == inside);
    EXPECT(!x86_translate(0, &word) && !x86_translate(~0ull, &word) && !x86_copy_of(1, &word));
}

static int bias_of(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    if (!strstr(info->dlpi_name, "libz.so")) return 0;
    *(uintptr_t *)out = info->dlpi_addr;
    return 1;
}

/* A library that comes and goes keeps its sites and takes no more memory, wherever it is loaded. */
static void test_reload(void) {
    unsigned long first = 0;
    uint32_t count = 0;
    for (int i = 0; i < 60; i++) {
        void *room = i % 3 ? NULL : mmap(NULL, 1u << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *z = dlopen("libz.so.1", RTLD_NOW);
        if (!z) return;
        uintptr_t bias = 0;
        const char *why = "";
        struct link_map *map = NULL;
        dl_iterate_phdr(bias_of, &bias);
        dlinfo(z, RTLD_DI_LINKMAP, &map);
        struct x86_module *m = x86_prepare(map->l_name, bias, &why);
        EXPECT(m && x86_patch(m, &why) == 0);
        unsigned long (*crc)(unsigned long, const void *, unsigned) =
                (unsigned long (*)(unsigned long, const void *, unsigned))dlsym(z, "crc32");
        unsigned long sum = crc(0, "some text to sum up", 19);
        if (i == 0) {
            first = sum;
            count = x86_module_count();
        }
        EXPECT(sum == first && x86_module_count() == count);
        x86_forget(bias, bias + (1u << 17));
        dlclose(z);
        if (room && i % 2) munmap(room, 1u << 20);
    }
}

/* ---- set-up */

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

static int first_bias(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    *(uintptr_t *)out = info->dlpi_addr;
    return 1;
}

/* Damage at every place that matters, and cuts: never more than a miss. */
static void test_cache(const char *directory, const char *self, uintptr_t bias) {
    const char *why = "";
    EXPECT(x86_prepare(self, bias, &why) != NULL);
    char path[4200] = "";
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strstr(e->d_name, ".x86")) snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
    if (d) closedir(d);
    EXPECT(path[0]);
    struct stat st;
    EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    struct x86_stats stats;
    EXPECT(x86_prepare(self, bias, &why) != NULL);
    x86_module_stats(x86_module_count() - 1, &stats);
    EXPECT(stats.from_cache);
    uint8_t *good = malloc((size_t)st.st_size), *bad = malloc((size_t)st.st_size);
    int fd = open(path, O_RDWR);
    EXPECT(read(fd, good, (size_t)st.st_size) == st.st_size);
    for (int round = 0; round < 40; round++) {
        size_t at = round < 25 ? (size_t)round * 8 : (size_t)rand() % (size_t)st.st_size, size = (size_t)st.st_size;
        memcpy(bad, good, size);
        bad[at] ^= (uint8_t)(1 + round);
        if (round % 5 == 4) size = at;
        EXPECT(ftruncate(fd, 0) == 0 && pwrite(fd, bad, size, 0) == (ssize_t)size);
        uint32_t count = x86_module_count();
        EXPECT(x86_prepare(self, bias, &why) != NULL);
        x86_module_stats(count, &stats);
        /* Padding between the parts is not looked at. */
        EXPECT(!stats.from_cache || round >= 25 || at + 8 > 500);
        close(fd); /* a miss stored a good file in its place */
        fd = open(path, O_RDWR);
    }
    chmod(path, 0622);
    EXPECT(x86_prepare(self, bias, &why) != NULL);
    x86_module_stats(x86_module_count() - 1, &stats);
    EXPECT(!stats.from_cache);
    close(fd);
    unlink(path);
    rmdir(directory);
    free(good);
    free(bad);
}

int main(void) {
    char self[4096] = "", directory[] = "/tmp/race-x86-XXXXXX";
    uintptr_t bias = 0;
    const char *why = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    alarm(60);
    if (n <= 0 || !mkdtemp(directory) || map_shadow() != 0) {
        dprintf(2, "race_x86_units: no shadow here, nothing tested\n");
        return 77;
    }
    dl_iterate_phdr(first_bias, &bias);
    configure(directory);
    test_cache(directory, self, bias);
    configure("");
    struct x86_module *m = x86_prepare(self, bias, &why);
    EXPECT(m && x86_patch(m, &why) == 0);
    test_accesses();
    test_atomics();
    test_strings();
    test_spin();
    test_translation();
    EXPECT(vectors_survive());
    test_reload();
    EXPECT(x86_prepare("/nonexistent", 0, &why) == NULL && why[0]);
    EXPECT(x86_prepare("/etc/passwd", 0, &why) == NULL && why[0]);
    printf("race_x86_units: %s\n", failures ? "failed" : "ok");
    return failures != 0;
}
#endif
