/* Suppressions of all three forms: what they match, what they leave, and what is said about bad lines; a thousand
 * broken files. */
#include "finding/suppress.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;
#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static const struct rule rule_race = {
        .name = "data-race", .severity = SEVERITY_ERROR, .title = "t", .help = "h", .advice = "a"};
static const struct rule rule_order = {
        .name = "lock-order-cycle", .severity = SEVERITY_ERROR, .title = "t", .help = "h", .advice = "a"};
static const struct rule *const rules[] = {&rule_race, &rule_order};

static const struct suppress_frame frames[] = {{"push_item", "/src/queue.c", "/opt/app/bin/app", 0x1234, NULL},
        {"std::vector<int>::push_back(int const&)", "/usr/include/c++/12/vector", "/opt/app/bin/app", 0x2000,
                "_ZNSt6vectorIiE9push_backERKi"},
        {"worker", "/src/main.c", "/opt/app/bin/app", 0x3000, NULL},
        {NULL, NULL, "/usr/lib/libthing.so.3", 0x77, NULL}};

static bool frame_at(void *ctx, uint32_t run, uint32_t stack, uint64_t site, size_t index, struct suppress_frame *out) {
    (void)ctx, (void)run, (void)site;
    if (stack != 1 || index >= sizeof frames / sizeof *frames) return false;
    *out = frames[index];
    return true;
}

static bool matches(const char *text, const struct rule *rule) {
    struct err err = {0};
    struct suppress *s = suppress_new(rules, 2, 20260101);
    struct finding_step step = {.thread = 0, .action = ACTION_WRITES, .object = 0, .stack = 1};
    struct finding_thread thread = {2, "worker-1", 0, 1};
    struct finding_object objects[] = {{1, "L1", "mutex", "accounts[3].lock", 0x1000, 0},
            {0, "V1", "variable", "total_left", 0x2000, 0},
            {0, "V2", "variable", "byte 8 of a heap block made in new_block (a.c:3)", 0x3000, 0}};
    struct finding f = {.rule = rule,
            .severity = rule->severity,
            .message = "m",
            .count = 1,
            .threads = &thread,
            .nthreads = 1,
            .objects = objects,
            .nobjects = 3,
            .steps = &step,
            .nsteps = 1,
            .fingerprint = "00112233445566778899aabbccddeeff"};
    struct finding *list[] = {&f};
    if (!suppress_read_text(s, "t.supp", text, strlen(text), &err)) CHECK(false, "%s: %s", text, err.text);
    suppress_apply(s, list, 1, NULL, 0, &(struct suppress_names){frame_at, NULL});
    suppress_free(s);
    return f.suppressed;
}

static void bad(const char *text, const char *want) {
    struct err err = {0};
    struct suppress *s = suppress_new(rules, 2, 20260101);
    bool good = suppress_read_text(s, "t.supp", text, strlen(text), &err);
    CHECK(!good && strstr(err.text, want), "\"%s\": wanted \"%s\", got \"%s\"", text, want, err.text);
    CHECK(suppress_count(s) == 0, "a bad file must leave nothing");
    suppress_free(s);
}

static void forms(void) {
    CHECK(matches("race:push_item", &rule_race), "function");
    CHECK(matches("# why\n\n  race:queue.c  \n", &rule_race), "file, blanks and comments");
    CHECK(matches("race:^worker$", &rule_race), "anchored");
    CHECK(!matches("race:^work$", &rule_race), "anchored must not match a part");
    CHECK(!matches("race:^orker", &rule_race), "anchored start");
    CHECK(matches("race:push_*m", &rule_race), "wildcard");
    CHECK(matches("race:std::vector", &rule_race), "colons in a pattern");
    CHECK(matches("race:libthing", &rule_race), "module");
    CHECK(!matches("deadlock:push_item", &rule_race), "another type");
    CHECK(matches("deadlock:push_item", &rule_order), "deadlock");
    CHECK(matches("race_top:push_item", &rule_race) && !matches("race_top:worker", &rule_race), "top frame only");
    CHECK(!matches("signal:*", &rule_race) && !matches("mutex:*", &rule_race), "no counterpart");
    CHECK(matches("{\n name\n Helgrind:Race\n fun:push_item\n fun:std::vec*\n}\n", &rule_race), "Valgrind block");
    CHECK(!matches("{\n name\n Helgrind:Race\n fun:worker\n}\n", &rule_race), "Valgrind blocks start at the top");
    CHECK(matches("{\n name\n Helgrind:Race\n fun:push_item\n fun:_ZNSt6vectorIiE9push_backERK?\n}\n", &rule_race),
            "Valgrind mangled");
    CHECK(matches("{\n name\n Helgrind:Race\n ...\n fun:_ZNSt6vector*push_back*\n}\n", &rule_race), "with wildcards");
    CHECK(!matches("{\n name\n Helgrind:Race\n ...\n fun:_ZNSt6vectorIiE9push\n}\n", &rule_race), "the whole name");
    CHECK(matches("race:^_ZNSt6vectorIiE*Ki$", &rule_race), "TSan mangled");
    CHECK(!matches("race:^_ZNSt6vectorIiE$", &rule_race), "TSan mangled, anchored");
    CHECK(matches("data-race fun=_ZNSt6vector src=vector", &rule_race), "own form, mangled");
    CHECK(matches("{\n name\n Helgrind:Race\n ...\n fun:worker\n obj:*libthing*\n}\n", &rule_race), "Valgrind dots");
    CHECK(matches("{\n name\n drd:ConflictingAccess\n src:queue.c:12\n}\n", &rule_race), "Valgrind src");
    CHECK(matches("{\n name\n Helgrind:LockOrder\n fun:mutex_lock_WRK\n fun:push_item\n}\n", &rule_order),
            "Valgrind's own frame");
    CHECK(!matches("{\n name\n Memcheck:Leak\n match-leak-kinds: definite\n fun:push_item\n}\n", &rule_race),
            "another tool");
    CHECK(matches("{\n name\n Helgrind:Race\n fun:push_item\n "
                  "obj:/usr/libexec/valgrind/vgpreload_helgrind-amd64-linux.so\n"
                  " fun:start_thread\n fun:clone\n}\n",
                  &rule_race),
            "how a thread begins under Valgrind");
    CHECK(!matches("{\n name\n Helgrind:Race\n fun:start_thread\n fun:clone\n}\n", &rule_race),
            "that alone is not enough");
    CHECK(matches("race:^total_left$", &rule_race) && matches("race_top:total_", &rule_race), "TSan: a variable");
    CHECK(!matches("race:^total$", &rule_race) && !matches("called_from_lib:total_left", &rule_race),
            "TSan: another variable");
    CHECK(!matches("race:new_block", &rule_race), "TSan: a block named by its place is no variable");
    CHECK(matches("data-race fun=push src=queue.c reason=\"known; see the log\"", &rule_race), "own form");
    CHECK(!matches("data-race fun=push src=main.c", &rule_race), "own form: one frame must fit both");
    CHECK(matches("data-race mod=libthing.so.3+0x77 fun=*", &rule_race) == false, "no function there");
    CHECK(matches("* obj=accounts*lock", &rule_race), "object");
    CHECK(matches("data-race thread=^worker-1$", &rule_race) && !matches("data-race thread=main", &rule_race),
            "thread");
    CHECK(matches("data-race fingerprint=00112233445566778899aabbccddeeff", &rule_race), "fingerprint");
    CHECK(matches("data-race severity=error fun=push", &rule_race), "severity");
    CHECK(!matches("data-race severity=warning fun=push", &rule_race), "another severity");
    CHECK(matches("data-race top=app fun=push", &rule_race), "the innermost frame");
    CHECK(!matches("data-race top=app fun=worker", &rule_race), "not the innermost frame");
    CHECK(!matches("data-race fun=* top=libthing.so", &rule_race), "a module further out");
    CHECK(matches("data-race fun=push expires=2026-01-01", &rule_race), "the last day still holds");
    CHECK(!matches("data-race fun=push expires=2025-12-31", &rule_race), "expired");
}

static void errors(void) {
    bad("race", "unknown kind of finding");
    bad("race:", "t.supp:1: nothing behind the colon");
    bad("# fine\nrase:foo", "t.supp:2: unknown type");
    bad("data-race", "needs at least one");
    bad("data-race fun", "expected key=value");
    bad("data-race fun=\"x", "expected key=value");
    bad("data-race fnu=x", "unknown key");
    bad("data-race fun=x severity=bad", "expected note, warning or error");
    bad("data-race fun=x expires=tomorrow", "expected a date");
    bad("data-race mod=x+0xzz", "hexadecimal");
    bad("data-race build-id=abc", "hexadecimal");
    bad("{\n name\n", "ends inside a block");
    bad("{\n name\n Helgrind:Rase\n fun:x\n}", "t.supp:3: unknown kind");
    bad("{\n name\n Helgrind:Race\n fnu:x\n}", "t.supp:4: expected fun:");
    bad("{\n name\n Helgrind:Race\n}", "names no frame");
    bad("}", "brace");
}

/* Whatever the bytes, an answer and no crash; the seed is fixed so that a failure can be had again. */
static void broken(void) {
    static const char good[] = "race:push_item\n{\n name\n Helgrind:Race\n ...\n fun:a*\n}\ndata-race fun=\"^x y$\" "
                               "mod=lib+0x12 build-id=00ff "
                               "reason=\"z\" expires=2027-02-03\n* obj=*\n";
    unsigned seed = 1;
    for (int i = 0; i < 3000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int k = 0; k < 1 + i % 7; k++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 8) % (sizeof good - 1)] = "\n{}:=\"\\* \0\xff#+.x"[(seed >> 24) % 16];
        }
        struct err err = {0};
        struct suppress *s = suppress_new(rules, 2, 20260101);
        size_t length = (seed >> 4) % sizeof good;
        unsigned line = 0, lines = 1;
        for (size_t k = 0; k < length; k++)
            lines += text[k] == '\n';
        if (!suppress_read_text(s, "t.supp", text, length, &err))
            CHECK(sscanf(err.text, "t.supp:%u: ", &line) == 1 && line >= 1 && line <= lines && strlen(err.text) > 12,
                    "an error names its line: \"%s\"", err.text);
        suppress_free(s);
    }
}

static void generated(void) {
    struct finding_step step = {.thread = 0, .action = ACTION_WRITES, .object = -1, .stack = 1};
    struct finding f = {.rule = &rule_race,
            .message = "a\nb",
            .count = 1,
            .steps = &step,
            .nsteps = 1,
            .fingerprint = "00112233445566778899aabbccddeeff"};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    suppress_generate(out, &f, NULL, &(struct suppress_names){frame_at, NULL});
    fclose(out);
    CHECK(matches(text, &rule_race), "what is generated must match: %s", text);
    CHECK(strcmp(text, "# a?b\ndata-race fun=\"^push_item$\" src=\"queue.c\" reason=\"\"\n") == 0, "%s", text);
    free(text);
}

int main(void) {
    forms();
    errors();
    broken();
    generated();
    return failures != 0;
}
