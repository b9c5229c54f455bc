/*
 * Symbols of programs that are built here: functions, lines and inlined frames from both compilers and DWARF versions;
 * variables, members and elements; atomic types; separate debug files; stripped programs; a program that was built
 * again since.
 */
#define _GNU_SOURCE
#include "base/arena.h"
#include "symbol/demangle.h"
#include "symbol/symbol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;
#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static const char program[] =
        "#include <pthread.h>\n"
        "#include <stdatomic.h>\n"
        "#include <stdio.h>\n"
        "struct account { int id; long balance; pthread_mutex_t lock; };\n"
        "struct account accounts[8];\n"
        "static struct { int n; struct { pthread_mutex_t mutex; } queue; int grid[3][4]; } pool;\n"
        "_Atomic int flag;\n"
        "int plain;\n"
        "__thread struct account mine;\n"
        "static inline __attribute__((always_inline)) void *inner(void) { return ({ l: asm volatile(\"\"); &&l; }); }\n"
        "__attribute__((noinline)) void *outer(void) { static int calls; calls++; plain += calls;\n"
        "    printf(\"D %p calls\\n\", (void *)&calls);\n"
        "    return __builtin_return_address(0); }\n"
        "static inline __attribute__((always_inline)) void *middle(void) {\n"
        "    void *p = outer(); plain++; return p; }\n"
        "int main(void) {\n"
        "    void *at = middle(); (void)inner;\n"
        "    printf(\"P %p -\\n\", at);\n"
        "#define D(x) printf(\"D %p %s\\n\", (void *)&(x), #x)\n"
        "    D(accounts[3].lock); D(accounts[3].balance); D(pool.queue.mutex); D(pool.grid[2][1]); D(flag); D(plain);\n"
        "    mine.id = plain; printf(\"T %p mine.balance\\nS %p -\\n\", (void *)&mine.balance, (void "
        "*)pthread_self());\n"
        "    FILE *maps = fopen(\"/proc/self/maps\", \"r\"); char line[512];\n"
        "    while (fgets(line, sizeof line, maps)) printf(\"M %s\", line);\n"
        "    return 0; }\n";

struct trace { /* what the program said of itself */
    struct symbol_module module;
    unsigned long pc, self;
    struct {
        char what;
        unsigned long address;
        char name[64];
    } data[16];
    size_t ndata;
};

static char directory[] = "/tmp/rep_symbol.XXXXXX";

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...) {
    va_list args;
    char *command = NULL;
    va_start(args, format);
    int n = vasprintf(&command, format, args);
    va_end(args);
    int status = n < 0 ? -1 : system(command);
    free(command);
    return status;
}

static bool observe(struct trace *t) {
    char line[1024], path[64];
    memset(t, 0, sizeof *t);
    snprintf(path, sizeof path, "%s/app", directory);
    FILE *in = popen(path, "r");
    while (in && fgets(line, sizeof line, in)) {
        unsigned long from, to, offset;
        char rest[512] = "";
        if (sscanf(line, "P %lx", &t->pc) == 1 || sscanf(line, "S %lx", &t->self) == 1) continue;
        if ((line[0] == 'D' || line[0] == 'T') && t->ndata < 16 &&
                sscanf(line + 1, " %lx %63s", &t->data[t->ndata].address, t->data[t->ndata].name) == 2)
            t->data[t->ndata++].what = line[0];
        else if (sscanf(line, "M %lx-%lx %*s %lx %*s %*s %511s", &from, &to, &offset, rest) >= 3) {
            bool bss = !rest[0] && from == t->module.end;
            if (strcmp(rest, path) != 0 && !bss) continue;
            if (!t->module.start) t->module.start = from;
            t->module.end = to;
        }
    }
    t->module.path = strdup(path);
    t->module.loaded_seq = 1;
    return in && pclose(in) == 0 && t->module.start;
}

static struct symbols *open_symbols(struct trace *t, bool pie, struct symbol_cache **cache, const char *debug_root) {
    t->module.bias = pie ? t->module.start : 0;
    *cache = symbol_cache_new(&(struct symbol_options){.debug_root = debug_root});
    return symbol_new(*cache, &(struct symbol_source){.modules = &t->module, .nmodules = 1});
}

static void check_code(struct symbols *s, const struct trace *t, const char *how) {
    const struct symbol_trace *trace = symbol_pc(s, t->pc, false, 0);
    CHECK(trace->nframes == 2, "%s: %zu frames", how, trace->nframes);
    if (trace->nframes != 2) return;
    const struct symbol_frame *f = trace->frames[0], *g = trace->frames[1];
    CHECK(f->function && strcmp(f->function, "middle") == 0 && f->inlined && f->line == 15 && f->own, "%s: %s:%u", how,
            f->function, f->line);
    CHECK(g->function && strcmp(g->function, "main") == 0 && !g->inlined && g->line == 17, "%s: %s:%u", how,
            g->function, g->line);
    CHECK(f->file && strstr(f->file, "/app.c"), "%s: %s", how, f->file);
    CHECK(strcmp(symbol_key(s, 0, t->pc), "middle@app.c") == 0, "%s", symbol_key(s, 0, t->pc));
    CHECK(strcmp(symbol_brief(s, f), "middle (app.c:15)") == 0, "%s", symbol_brief(s, f));
    const char *callee = symbol_argument(s, f, "outer");
    CHECK(callee == NULL, "no argument there");
}

static void check_data(struct symbols *s, const struct trace *t, const char *how, bool atomic_known) {
    for (size_t i = 0; i < t->ndata; i++) {
        const char *want = t->data[i].name;
        const struct symbol_data *d = t->data[i].what == 'T' ? symbol_tls(s, t->data[i].address, t->self)
                                                             : symbol_data(s, t->data[i].address, 0);
        CHECK(d != NULL, "%s: %s has no name", how, want);
        if (!d) continue;
        bool same = strcmp(want, "calls") == 0 ? strcmp(d->name, "calls (static in outer)") == 0
                                               : strcmp(d->name, want) == 0;
        CHECK(same, "%s: %s, not %s", how, d->name, want);
        enum symbol_atomic atomic = strcmp(want, "flag") == 0 ? SYMBOL_ATOMIC_YES : SYMBOL_ATOMIC_NO;
        CHECK(d->atomic == (atomic_known ? atomic : SYMBOL_ATOMIC_UNKNOWN), "%s: %s: atomic %d", how, want, d->atomic);
        if (strcmp(want, "accounts[3].lock") == 0)
            CHECK(strcmp(d->class, "accounts[].lock") == 0 && d->size == 40, "%s", d->class);
    }
}

static void build(const char *compiler, bool pie, bool atomic_known) {
    struct trace t;
    struct symbol_cache *cache;
    if (shell("cd %s && %s -o app app.c -lpthread 2>/dev/null", directory, compiler) != 0 || !observe(&t)) {
        CHECK(false, "cannot build with %s", compiler);
        return;
    }
    struct symbols *s = open_symbols(&t, pie, &cache, NULL);
    check_code(s, &t, compiler);
    check_data(s, &t, compiler, atomic_known);
    CHECK(symbol_module_state(s, 0, NULL) == SYMBOL_FULL, "%s", compiler);
    symbol_free(s);
    symbol_cache_free(cache);
    free((void *)(uintptr_t)t.module.path);
}

/* The debug information in a file of its own, found by link and by build-id; then without it; then another build in its
 * place. */
static void separate(void) {
    struct trace t;
    struct symbol_cache *cache;
    struct symbols *s;
    uint8_t id[20];
    if (shell("cd %s && gcc -g -O1 -Wl,--build-id=0x000102030405060708090a0b0c0d0e0f10111213 -o app app.c -lpthread && "
              "objcopy --only-keep-debug app app.debug && objcopy --strip-all --add-gnu-debuglink=app.debug app && "
              "mkdir -p root/.build-id/00 .debug && cp app.debug "
              "root/.build-id/00/0102030405060708090a0b0c0d0e0f10111213.debug && "
              "mv app.debug .debug/",
                directory) != 0 ||
            !observe(&t)) {
        CHECK(false, "cannot build");
        return;
    }
    for (uint8_t i = 0; i < 20; i++)
        id[i] = i;
    t.module.build_id = id;
    t.module.build_id_len = sizeof id;
    s = open_symbols(&t, true, &cache, "/nonexistent");
    check_code(s, &t, "debuglink");
    check_data(s, &t, "debuglink", true);
    symbol_free(s), symbol_cache_free(cache);

    char root[64];
    snprintf(root, sizeof root, "%s/root", directory);
    shell("rm -r %s/.debug", directory);
    s = open_symbols(&t, true, &cache, root);
    check_code(s, &t, "build-id");
    symbol_free(s), symbol_cache_free(cache);

    const char *why = NULL;
    s = open_symbols(&t, true, &cache, "/nonexistent");
    const struct symbol_trace *trace = symbol_pc(s, t.pc, false, 0);
    CHECK(trace->nframes == 1 && !trace->frames[0]->function && trace->frames[0]->offset == t.pc - t.module.bias,
            "stripped");
    CHECK(strncmp(symbol_key(s, 0, t.pc), "app+0x", 6) == 0, "%s", symbol_key(s, 0, t.pc));
    CHECK(symbol_module_state(s, 0, &why) == SYMBOL_STRIPPED && why && strstr(why, "stripped"), "%s", why);
    symbol_free(s), symbol_cache_free(cache);

    id[3] = 99;
    s = open_symbols(&t, true, &cache, "/nonexistent");
    trace = symbol_pc(s, t.pc, false, 0);
    CHECK(trace->nframes == 1 && !trace->frames[0]->function, "another build must not be used");
    CHECK(symbol_module_state(s, 0, &why) == SYMBOL_OTHER_BUILD && why && strstr(why, "another build"), "%s", why);
    symbol_free(s), symbol_cache_free(cache);
    free((void *)(uintptr_t)t.module.path);
}

/* What an access is called, by the column that a compiler gives it. */
static void expressions(void) {
    static const struct {
        const char *line, *mark, *want; /* mark: where the column points */
    } cases[] = {
            {"    if (d->ticket > 0) d->ticket -= 1;", "->ticket >", "d->ticket"}, /* GCC: the arrow */
            {"    if (d->ticket > 0) d->ticket -= 1;", "-=", "d->ticket"},
            {"    if (d->ticket > 0) d->ticket -= 1;", "ticket >", "d->ticket"}, /* Clang: the member */
            {"    pool[i + 1].jobs[find(x, 3)].state = READY;", "= READY", "pool[i + 1].jobs[find(x, 3)].state"},
            {"    list.head->next->value++;", "++", "list.head->next->value"},
            {"    total += x;",
                    "+=", NULL}, /* a plain variable has a name of its own, or is a pointer that says nothing */
            {"    *p = 1;", "= 1", NULL},
            {"    f(a, b);", "(a", NULL},
            {"    ) ] -> . [", "->", NULL},
            {"->", "->", NULL},
    };
    char path[64];
    snprintf(path, sizeof path, "%s/lines.c", directory);
    FILE *out = fopen(path, "w");
    for (size_t i = 0; out && i < sizeof cases / sizeof *cases; i++)
        fprintf(out, "%s\n", cases[i].line);
    if (!out || fclose(out) != 0) failures++;
    struct symbol_cache *cache = symbol_cache_new(NULL);
    struct symbols *s = symbol_new(cache, &(struct symbol_source){.nmodules = 0});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct symbol_frame f = {.path = path, .file = path, .line = (uint32_t)i + 1};
        f.column = (uint32_t)(strstr(cases[i].line, cases[i].mark) - cases[i].line) + 1;
        const char *got = symbol_expression(s, &f), *want = cases[i].want;
        CHECK(want ? got && strcmp(got, want) == 0 : !got, "%s: %s", cases[i].line, got ? got : "nothing");
        for (f.column = 0; f.column < 60; f.column++)
            symbol_expression(s, &f);
    }
    symbol_free(s);
    symbol_cache_free(cache);
}

/* Files that are no ELF, or broken ones, give no crash and no name. */
static void broken(void) {
    struct trace t;
    unsigned seed = 5;
    char path[64];
    snprintf(path, sizeof path, "%s/broken", directory);
    if (shell("cd %s && gcc -g -O1 -o app app.c -lpthread", directory) != 0 || !observe(&t)) return;
    FILE *in = fopen(t.module.path, "r");
    char *bytes = NULL;
    size_t n = 0;
    FILE *copy = open_memstream(&bytes, &n);
    for (int c; in && (c = getc(in)) != EOF;)
        putc(c, copy);
    if (in) fclose(in);
    fclose(copy);
    struct symbol_module module = t.module;
    module.path = path;
    module.bias = module.start;
    for (int i = 0; i < 150 && n > 1000; i++) {
        FILE *out = fopen(path, "w");
        char *mutant = memcpy(malloc(n), bytes, n);
        for (int k = 0; k < 40; k++) {
            seed = seed * 1103515245 + 12345;
            mutant[(seed >> 3) % n] = (char)(seed >> 24);
        }
        if (!out || fwrite(mutant, 1, i % 10 ? n : seed % n, out) == 0) failures++;
        if (out) fclose(out);
        free(mutant);
        struct symbol_cache *cache = symbol_cache_new(NULL);
        struct symbols *s = symbol_new(cache, &(struct symbol_source){.modules = &module, .nmodules = 1});
        symbol_pc(s, t.pc, false, 0);
        for (size_t k = 0; k < t.ndata; k++)
            symbol_data(s, t.data[k].address, 0);
        symbol_tls(s, t.self - 16, t.self);
        symbol_free(s);
        symbol_cache_free(cache);
    }
    free(bytes);
    free((void *)(uintptr_t)t.module.path);
}

/* Names of C++ and of Rust, whose hash of the build is left out: a fingerprint must outlive it. */
static void names(void) {
    static const char *const pairs[][2] = {{"_ZN4bank8transferERNS_7AccountEi", "bank::transfer(bank::Account&, int)"},
            {"_ZN1m4main17h4009bc0cd8b193aaE", "m::main"},
            {"_ZN1m4main28_$u7b$$u7b$closure$u7d$$u7d$17h0a53ba5eb3902811E", "m::main::{{closure}}"},
            {"_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
                    "<&T as core::fmt::Debug>::fmt"},
            {"_ZN1m17h4009bc0cd8b193aaE", "m"}, {"_ZN1m4main17h4009bc0cd8b193azE", "m::main::h4009bc0cd8b193az"},
            {"transfer", "transfer"}, {"_Z", "_Z"}};
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *got = demangle(&arena, pairs[i][0]);
        if (strcmp(got, pairs[i][1]) != 0) {
            fprintf(stderr, "%s: %s instead of %s\n", pairs[i][0], got, pairs[i][1]);
            failures++;
        }
    }
    arena_free(&arena);
}

int main(void) {
    names();
    if (!mkdtemp(directory)) return 1;
    char path[64];
    snprintf(path, sizeof path, "%s/app.c", directory);
    FILE *out = fopen(path, "w");
    if (!out || fputs(program, out) < 0 || fclose(out) != 0) return 1;
    build("gcc -g -O2", true, true);
    build("gcc -g -O0 -no-pie", false, true);
    build("gcc -g -gdwarf-4 -O2", true, false);
    if (shell("command -v clang-14 >/dev/null") == 0) build("clang-14 -g -O1", true, true);
    separate();
    expressions();
    broken();
    shell("rm -rf %s", directory);
    return failures != 0;
}
