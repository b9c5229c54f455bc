/*
 * The options: file below environment below command line, values that are wrong, and two thousand broken files: every
 * complaint names the file and its line, and what is wrong is left at its default.
 */
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failures;
#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: ", __FILE__, __LINE__);                                                                     \
            printf(__VA_ARGS__);                                                                                       \
            putchar('\n');                                                                                             \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static char said[1 << 16]; /* what options_load() wrote to standard error */

static int load(struct options *o, const char *file, size_t n) {
    FILE *out = fopen(".twatch.conf", "w");
    CHECK(out && fwrite(file, 1, n, out) == n, "cannot write the file");
    if (out) fclose(out);
    CHECK(freopen("said", "w", stderr) != NULL, "cannot redirect");
    int mistakes = options_load(o);
    fflush(stderr);
    FILE *in = fopen("said", "r");
    size_t got = in ? fread(said, 1, sizeof said - 1, in) : 0;
    said[got] = '\0';
    if (in) fclose(in);
    return mistakes;
}

static int load_text(struct options *o, const char *file) {
    return load(o, file, strlen(file));
}

/* Every line that was said is "twatch: PATH/.twatch.conf:LINE: sentence", and there are as many as mistakes. */
static void check_said(int mistakes, unsigned lines) {
    int n = 0;
    for (char *line = said, *end; *line; line = end + 1, n++) {
        end = strchr(line, '\n');
        CHECK(end != NULL, "the last line is not whole: %s", line);
        if (!end) return;
        *end = '\0';
        char *at = strstr(line, "/.twatch.conf:"), *rest = NULL;
        unsigned long number = at ? strtoul(at + 14, &rest, 10) : 0;
        CHECK(strncmp(line, "twatch: /", 9) == 0 && at && number >= 1 && number <= lines && rest[0] == ':' &&
                        strlen(rest) > 8,
                "no place in: %s", line);
        for (const char *p = line; *p; p++)
            CHECK((unsigned char)*p >= ' ' && *p != 127, "a control character in: %s", line);
    }
    CHECK(n == mistakes, "%d mistakes, %d lines", mistakes, n);
}

static void layers(void) {
    struct options o;
    struct err err = {0};
    CHECK(load_text(&o, "# why\n\n races = off \n  stacks=8\nfail_on=warning\n") <= 1, "%s", said);
    CHECK(!options_bool(&o, OPTION_races) || strstr(options_text(&o, OPTION_races), "off"), "the file counts");
    CHECK(strcmp(options_text(&o, OPTION_fail_on), "warning") == 0, "the file counts");
    options_free(&o);
    setenv("TWATCH_OPTIONS", "fail_on=note:races=on", 1);
    load_text(&o, "fail_on = warning\n");
    CHECK(strcmp(options_text(&o, OPTION_fail_on), "note") == 0, "the environment is above the file");
    CHECK(options_set(&o, "fail-on", "never", OPTION_COMMAND, &err), "%s", err.text);
    CHECK(strcmp(options_text(&o, OPTION_fail_on), "never") == 0, "the command line is above the environment");
    options_free(&o);
    unsetenv("TWATCH_OPTIONS");
}

static void wrong(const char *file, const char *want) {
    struct options o;
    int mistakes = load_text(&o, file);
    CHECK(mistakes == 1 && strstr(said, want), "\"%s\": wanted \"%s\", got %d: %s", file, want, mistakes, said);
    options_free(&o);
}

static void broken(void) {
    static const char good[] = "# options of this project\nraces = off\nfail_on = warning\n\nlog_path = \"records/\"\n"
                               "exitcode=66\ncolor=never\nhang_timeout = 5\nsuppressions = threads.supp\n";
    unsigned seed = 11;
    for (int i = 0; i < 2000; i++) {
        char text[sizeof good + 5000];
        size_t n = sizeof good - 1;
        memcpy(text, good, n);
        for (int k = 0; k < 1 + i % 5; k++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 8) % n] = "\n=#\0 \"'\xff\x1b[x9:-\r\t"[(seed >> 24) % 17];
        }
        if (i % 50 == 0) { /* a line longer than any buffer */
            memset(text + n, 'a', 5000);
            n += 5000;
        } else
            n -= (seed >> 5) % 20;
        unsigned lines = 1;
        for (size_t k = 0; k < n; k++)
            lines += text[k] == '\n';
        struct options o;
        int mistakes = load(&o, text, n);
        check_said(mistakes, lines);
        for (int key = 0; key < OPTION_COUNT; key++)
            CHECK(options_text(&o, (enum option_key)key) != NULL, "no value");
        options_free(&o);
    }
}

int main(void) {
    char directory[] = "/tmp/rep_options.XXXXXX";
    unsetenv("TWATCH_OPTIONS");
    if (!mkdtemp(directory) || chdir(directory) != 0) return 2;
    layers();
    wrong("races = maybe\n", ".twatch.conf:1: races=maybe: the value must be ");
    wrong("# x\n\nnonsense = 1\n", ".twatch.conf:3: there is no option \"nonsense\"");
    wrong("races\n", ".twatch.conf:1: a line must read key = value");
    wrong("fail_on = error\nhang_timeout = soon\n", ".twatch.conf:2: hang_timeout=soon");
    broken();
    unlink(".twatch.conf");
    unlink("said");
    CHECK(chdir("/") == 0 && rmdir(directory) == 0, "cannot remove %s", directory);
    return failures != 0;
}
