/*
 * Every format over a report made by hand gives exactly the bytes of testsuite/golden/bank.<format>.
 * TWATCH_GOLDEN=write rewrites the files: read the difference before it is committed.
 */
#include "rep_fixture.h"

static char *slurp(const char *path, size_t *n) {
    FILE *in = fopen(path, "r");
    char *text = NULL;
    *n = 0;
    if (!in) return NULL;
    FILE *out = open_memstream(&text, n);
    for (int c; (c = getc(in)) != EOF;)
        putc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

static int check(const char *name, const char *got, size_t n) {
    char path[256];
    snprintf(path, sizeof path, "testsuite/golden/bank.%s", name);
    const char *mode = getenv("TWATCH_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *out = fopen(path, "w");
        if (!out || fwrite(got, 1, n, out) != n || fclose(out) != 0) return 1;
        return 0;
    }
    size_t have;
    char *want = slurp(path, &have);
    int bad = !want || have != n || memcmp(want, got, n) != 0;
    if (bad) {
        size_t at = 0;
        while (want && at < n && at < have && want[at] == got[at])
            at++;
        fprintf(stderr, "%s: differs at byte %zu: got \"%.60s\"\n", path, at, got + at);
    }
    free(want);
    return bad;
}

static int print(const struct report *report, const struct report_format *format,
        void (*section)(FILE *, const struct report *), const char *name) {
    char *got = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&got, &n);
    if (format)
        report_print(format, out, report);
    else
        section(out, report);
    fclose(out);
    int bad = check(name, got, n);
    free(got);
    return bad;
}

int main(void) {
    struct fixture x;
    fixture_bank(&x);
    int bad = 0;
    size_t nformats;
    const struct report_format *formats = report_formats(&nformats);
    for (size_t i = 0; i < nformats; i++)
        bad += print(&x.report, &formats[i], NULL, formats[i].name);
    bad += print(&x.report, NULL, report_print_threads, "threads");
    bad += print(&x.report, NULL, report_print_contention, "contention");
    x.report.style.verbose = x.report.style.color = true;
    x.report.style.width = 60;
    bad += print(&x.report, report_find("text"), NULL, "verbose");
    fixture_free(&x);
    return bad != 0;
}
