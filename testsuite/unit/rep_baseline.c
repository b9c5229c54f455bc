/* Baselines: written, read again, known, new and fixed; bad files say where. */
#include "finding/baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), failures++;                  \
    } while (0)

static const struct rule rule = {.name = "data-race", .severity = SEVERITY_ERROR};

static void bad(const char *text, const char *want) {
    struct err err = {0};
    struct baseline *b = baseline_read_text("b", text, strlen(text), &err);
    if (b || !strstr(err.text, want)) fprintf(stderr, "wanted \"%s\", got \"%s\"\n", want, err.text), failures++;
    baseline_free(b);
}

int main(void) {
    struct finding a = {.rule = &rule, .message = "first\nline", .fingerprint = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct finding b = {.rule = &rule, .message = "second", .fingerprint = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    struct finding c = {
            .rule = &rule, .message = "third", .fingerprint = "cccccccccccccccccccccccccccccccc", .suppressed = true};
    struct finding *all[] = {&b, &a, &a, &c};
    char path[] = "/tmp/rep_baseline.XXXXXX";
    int fd = mkstemp(path);
    struct err err = {0};
    CHECK(fd >= 0);
    close(fd);
    CHECK(baseline_write(path, (const struct finding *const *)all, 4, &err));
    struct baseline *base = baseline_read(path, &err);
    CHECK(base != NULL);
    struct finding *now[] = {&b, &c};
    if (base) baseline_apply(base, now, 2);
    CHECK(b.baseline == BASELINE_KNOWN);
    CHECK(c.baseline == BASELINE_NEW);
    const char *const *lines = NULL;
    CHECK(base && baseline_fixed(base, &lines) == 1);
    CHECK(lines && strcmp(lines[0], "data-race: first?line (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)") == 0);
    baseline_free(base);
    unlink(path);
    bad("", "b:1: not a baseline");
    bad("twatch-baseline 2\n", "b:1: not a baseline");
    bad("twatch-baseline 1\nxyz data-race m\n", "b:2: expected a fingerprint");
    bad("twatch-baseline 1\n# c\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \n", "b:3: no kind");
    CHECK(!baseline_read("/nonexistent/b", &err) && strstr(err.text, "/nonexistent/b: "));
    CHECK(!baseline_write("/nonexistent/b", NULL, 0, &err));
    static const char good[] = "twatch-baseline 1\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa data-race "
                               "m\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb data-race m\n";
    unsigned seed = 7;
    for (int i = 0; i < 2000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int k = 0; k < 1 + i % 3; k++) {
            seed = seed * 1103515245 + 12345;
            text[18 + (seed >> 8) % (sizeof good - 19)] = (char)(seed >> 24);
        }
        struct baseline *x = baseline_read_text("b", text, (seed >> 5) % sizeof good, &err);
        unsigned line = 0;
        if (!x) CHECK(sscanf(err.text, "b:%u: ", &line) == 1 && line >= 1 && line <= 3);
        baseline_free(x);
    }
    return failures != 0;
}
