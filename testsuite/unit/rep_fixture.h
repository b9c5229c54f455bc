/*
 * A report made by hand, for the tests of the printers. Its stacks are Python frames, whose function, file and line
 * come from strings: so nothing depends on a compiler. Must run in the root of the source tree; frames in
 * testsuite/golden/bank.c get that root in front.
 */
#ifndef REP_FIXTURE_H
#define REP_FIXTURE_H

#include "base/arena.h"
#include "base/vec.h"
#include "record.h"
#include "report/report.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct arena arena;
    char root[PATH_MAX];
    VEC(const char *) strings; /* from id 1 */
    VEC(struct symbol_raw_stack) stacks;
    VEC(const struct finding *) findings;
    VEC(struct report_thread) threads;
    struct symbol_cache *cache;
    struct report_run run;
    struct report report;
};

static bool fixture_stack_of(void *context, uint32_t id, struct symbol_raw_stack *out) {
    struct fixture *x = context;
    if (!id || id > x->stacks.n) return false;
    *out = x->stacks.at[id - 1];
    return true;
}

static const char *fixture_string_of(void *context, uint32_t id) {
    struct fixture *x = context;
    return id && id <= x->strings.n ? x->strings.at[id - 1] : NULL;
}

/* A stack of "function|file|line" texts, innermost first; a text "0x..." is a bare address. File "=" is bank.c. */
static uint32_t fixture_stack(struct fixture *x, size_t n, const char *const *frames) {
    uint64_t *pc = arena_array(&x->arena, n, sizeof *pc);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(frames[i], "0x", 2) == 0) {
            pc[i] = strtoull(frames[i], NULL, 16);
            continue;
        }
        char *text = arena_str(&x->arena, frames[i]), *file = strchr(text, '|'), *line = strrchr(text, '|');
        *file++ = 0, *line++ = 0;
        const char *path =
                strcmp(file, "=") == 0 ? arena_printf(&x->arena, "%s/testsuite/golden/bank.c", x->root) : file;
        vec_push(&x->strings, arena_printf(&x->arena, "%s\n%s\n%s", text, path, line));
        pc[i] = TWATCH_FRAME_PYTHON | x->strings.n;
    }
    vec_push(&x->stacks, (struct symbol_raw_stack){.pc = pc, .npc = (uint32_t)n, .module_seq = 1});
    return (uint32_t)x->stacks.n;
}
#define FIXTURE_STACK(x, ...)                                                                                          \
    fixture_stack(x, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), (const char *[]){__VA_ARGS__})

static const struct rule fixture_rules[] = {
        {"lock-order-cycle", SEVERITY_ERROR, "Lock order cycle",
                "Two or more threads took locks in orders that can close a circle.",
                "Take these locks in one order everywhere, or take them together with std::scoped_lock or a trylock "
                "that backs off.",
                false},
        {"data-race", SEVERITY_ERROR, "Data race",
                "Two threads touched the same memory, one wrote, nothing ordered them.",
                "Protect the variable with one lock on every path, or make it atomic.", false},
        {"thread-leak", SEVERITY_WARNING, "Thread never joined",
                "A joinable thread ended and was never joined nor detached.", "Join the thread, or detach it.", false},
        {"lock-held-at-exit", SEVERITY_NOTE, "Lock held at exit", "A lock was held when the process ended.",
                "Give the lock back before the process ends.", false},
};

static struct finding *fixture_finding(
        struct fixture *x, const struct rule *rule, const char *message, const char *fingerprint) {
    struct finding *f = arena_alloc(&x->arena, sizeof *f);
    f->rule = rule;
    f->severity = rule->severity;
    f->message = message;
    f->count = 1;
    strcpy(f->fingerprint, fingerprint);
    vec_push(&x->findings, f);
    return f;
}

#define FIXTURE_COPY(x, type, n, ...)                                                                                  \
    (memcpy(arena_array(&(x)->arena, n, sizeof(type)), (type[]){__VA_ARGS__}, (n) * sizeof(type)))

static inline void fixture_cycle(struct fixture *x) {
    struct finding *f = fixture_finding(x, &fixture_rules[0],
            "Threads first and second take accounts[0].lock and accounts[1].lock in opposite orders and can wait for "
            "each other for ever",
            "5f1d0c9a3b7e48d26a90ffc1e2d3b4a5");
    uint32_t main_first = FIXTURE_STACK(x, "0x7f0000001234", "main|=|40"), main_second = FIXTURE_STACK(x, "main|=|41");
    f->count = 3;
    f->nthreads = 2;
    f->threads = FIXTURE_COPY(x, struct finding_thread, 2, {2, "first", main_first, 1}, {3, "second", main_second, 1});
    f->nobjects = 2;
    f->objects = FIXTURE_COPY(x, struct finding_object, 2,
            {1, "L1", "mutex", "accounts[0].lock", 0x404090, FIXTURE_STACK(x, "main|=|38")},
            {2, "L2", "mutex", "accounts[1].lock", 0x4040c0, FIXTURE_STACK(x, "main|=|39")});
    uint32_t *held = FIXTURE_COPY(x, uint32_t, 2, 0, 1);
    uint32_t s1 = FIXTURE_STACK(x, "transfer|=|13", "run_first|=|22", "0x7f0000005678", "0x7f0000009abc");
    uint32_t s2 = FIXTURE_STACK(x, "0x7f0000001111", "transfer|=|14", "run_first|=|22", "0x7f0000005678");
    uint32_t s3 = FIXTURE_STACK(x, "transfer|=|13", "run_second|=|27"),
             s4 = FIXTURE_STACK(x, "transfer|=|14", "run_second|=|27");
    f->nsteps = 4;
    f->steps = FIXTURE_COPY(x, struct finding_step, 4, {0, ACTION_HOLDS, 0, s1, 0, NULL, 0, NULL, 0},
            {0, ACTION_WANTS, 1, s2, 0, held, 1, NULL, 0}, {1, ACTION_HOLDS, 1, s3, 0, NULL, 0, NULL, 0},
            {1, ACTION_WANTS, 0, s4, 0, held + 1, 1, "with a time limit", 0});
}

static inline void fixture_race(struct fixture *x) {
    struct finding *f = fixture_finding(x, &fixture_rules[1],
            "Threads first and second change tickets_left without a common lock", "00112233445566778899aabbccddeeff");
    f->confidence = CONFIDENCE_CONFIRMED;
    f->detail = "A lost update: both threads read the old value before either wrote.\nNo lock is held by the other "
                "accesses.";
    f->nthreads = 2;
    f->threads = FIXTURE_COPY(x, struct finding_thread, 2, {2, "first", 0, 1}, {3, "second", 0, 1});
    f->nobjects = 1;
    f->objects = FIXTURE_COPY(x, struct finding_object, 1, {0, "V1", "variable", "tickets_left", 0x404060, 0});
    f->nsteps = 2;
    f->steps = FIXTURE_COPY(x, struct finding_step, 2,
            {0, ACTION_READS, 0, FIXTURE_STACK(x, "sell|=|32"), 0, NULL, 0, "4 bytes", 0},
            {1, ACTION_WRITES, 0, FIXTURE_STACK(x, "sell|=|33"), 0, NULL, 0, "4 bytes", 0});
}

static inline void fixture_others(struct fixture *x) {
    struct finding *f = fixture_finding(
            x, &fixture_rules[2], "Thread second ended and was never joined", "ffeeddccbbaa99887766554433221100");
    f->baseline = BASELINE_NEW;
    f->nthreads = 1;
    f->threads = FIXTURE_COPY(x, struct finding_thread, 1, {3, "second", FIXTURE_STACK(x, "main|=|41"), 1});
    f->nsteps = 1;
    f->steps = FIXTURE_COPY(
            x, struct finding_step, 1, {0, ACTION_ENDS, -1, FIXTURE_STACK(x, "run_second|=|28"), 0, NULL, 0, NULL, 0});
    f = fixture_finding(x, &fixture_rules[3], "main held accounts[0].lock when the process ended",
            "0123456789abcdef0123456789abcdef");
    f->suppressed = true;
    f->suppressed_by = "bank.supp:3";
    f = fixture_finding(x, &fixture_rules[3], "main held accounts[1].lock when the process ended",
            "fedcba9876543210fedcba9876543210");
    f->baseline = BASELINE_KNOWN;
}

static void fixture_run(struct fixture *x) {
    static const char *const argv[] = {"./bank", "--accounts=2"};
    static const struct report_count losses[] = {{"stack", "stacks were cut short", 2}};
    static const char *const missing[] = {
            "libold.so is another build than the one that ran: its symbols were not used"};
    static const struct report_node nodes[] = {
            {"accounts[0].lock", "mutex"}, {"accounts[1].lock", "mutex"}, {"log.lock", "rwlock"}};
    static const struct report_edge edges[] = {{0, 1, 3, true}, {1, 0, 2, true}, {0, 2, 12, false}};
    vec_push(&x->threads,
            (struct report_thread){
                    .id = 1, .name = "main", .end_ns = 900000000, .ended = "process exit", .cpu_ns = 12000000});
    vec_push(&x->threads, (struct report_thread){.id = 2,
                                  .parent = 1,
                                  .ordinal = 1,
                                  .joiner = 1,
                                  .name = "first",
                                  .start = "run_first",
                                  .create_stack = 1,
                                  .birth_ns = 100000000,
                                  .end_ns = 500000000,
                                  .join_ns = 600000000,
                                  .ended = "returned",
                                  .joined = true,
                                  .wait_ns = 40000000});
    vec_push(&x->threads, (struct report_thread){.id = 3,
                                  .parent = 1,
                                  .ordinal = 2,
                                  .name = "second",
                                  .start = "run_second",
                                  .create_stack = 2,
                                  .birth_ns = 200000000,
                                  .ended = "running",
                                  .state = "waits for mutex accounts[0].lock since 0.4 s"});
    static struct report_contention rows[2];
    rows[0] = (struct report_contention){.name = "accounts[0].lock",
            .kind = "mutex",
            .stack = 6,
            .acquisitions = 1000,
            .contended = 120,
            .wait_ns = 40000000,
            .wait_max_ns = 9000000,
            .holds = 120,
            .hold_ns = 30000000,
            .hold_max_ns = 8000000};
    rows[1] = (struct report_contention){.name = "log.lock",
            .kind = "rwlock",
            .site = 0x7f0000002222,
            .acquisitions = 77,
            .contended = 1,
            .wait_ns = 1500,
            .wait_max_ns = 1500};
    x->run = (struct report_run){.record = "bank.1234.twatch",
            .exe = "/home/user/bank",
            .cwd = "/home/user",
            .pid = 1234,
            .parent_pid = 1,
            .argv = argv,
            .nargv = 2,
            .exit = REPORT_EXIT_STATUS,
            .exit_code = 0,
            .length_ns = 900000000,
            .nlocks = 3,
            .nacquisitions = 1234,
            .losses = losses,
            .nlosses = 1,
            .missing = missing,
            .nmissing = 1,
            .threads = x->threads.at,
            .nthreads = x->threads.n,
            .contention = rows,
            .ncontention = 2,
            .nodes = nodes,
            .nnodes = 3,
            .edges = edges,
            .nedges = 3};
}

static void fixture_open(struct fixture *x) {
    memset(x, 0, sizeof *x);
    if (!getcwd(x->root, sizeof x->root)) exit(1);
    x->cache = symbol_cache_new(&(struct symbol_options){.strip_path_prefix = x->root});
    static const struct symbol_module module = {.path = "/usr/lib/x86_64-linux-gnu/libmissing.so.6",
            .bias = 0x7f0000000000,
            .start = 0x7f0000000000,
            .end = 0x7f0000010000,
            .loaded_seq = 1};
    static const struct symbol_module program = {
            .path = "/home/user/bank", .bias = 0x400000, .start = 0x400000, .end = 0x405000, .loaded_seq = 1};
    struct symbol_module modules[] = {program, module};
    fixture_run(x);
    x->run.symbols = symbol_new(x->cache, &(struct symbol_source){modules, 2, fixture_stack_of, fixture_string_of, x});
}

/* Call after the findings are made. */
static void fixture_close_list(struct fixture *x) {
    static const struct rule *const rules[] = {
            &fixture_rules[0], &fixture_rules[1], &fixture_rules[2], &fixture_rules[3]};
    static const char *const notes[] = {"suppression deadlock:old_function (bank.supp:7) matched nothing"};
    static const char *const fixed[] = {"data-race: Threads a and b change total (3f00000000000000000000000000003f)"};
    x->report = (struct report){.version = "0.0.0",
            .runs = &x->run,
            .nruns = 1,
            .findings = x->findings.at,
            .nfindings = x->findings.n,
            .rules = rules,
            .nrules = 4,
            .notes = notes,
            .nnotes = 1,
            .fixed = fixed,
            .nfixed = 1,
            .fail_on = SEVERITY_WARNING, .style = {.width = 100}};
}

static inline void fixture_bank(struct fixture *x) {
    fixture_open(x);
    fixture_cycle(x);
    fixture_race(x);
    fixture_others(x);
    fixture_close_list(x);
}

static void fixture_free(struct fixture *x) {
    symbol_free(x->run.symbols);
    symbol_cache_free(x->cache);
    vec_free(&x->strings);
    vec_free(&x->stacks);
    vec_free(&x->findings);
    vec_free(&x->threads);
    arena_free(&x->arena);
}

#endif
