/*
 * Names from the watched program are hostile. Every format is written over a report whose every text is nasty; this
 * program checks what can be checked byte by byte (no control characters, no terminal escapes, no text that turns the
 * writing direction, whole UTF-8, no syntax broken out of) and leaves the files in the directory named by its argument
 * for the validators of rep_formats.sh.
 */
#include "rep_fixture.h"

static const char nasty[] = "</noscript></title>a\033[31mred\033]0;title\007\r\n::error::spoof\n[9] error: fake "
                            "<script>alert(1)</script>\"'&]]>--><!-- %0A%25 ${x} `id` "
                            "\\\" \xe2\x80\xae"
                            "evil \xff\xfe\xc0\xaf \xed\xa0\x80 \xef\xbb\xbf \xc2\x9b"
                            "31m \x7f {0} [x](http://evil) /../..//";

static int failures;

static void fail(const char *format, const char *what, size_t at) {
    fprintf(stderr, "%s: %s at byte %zu\n", format, what, at);
    failures++;
}

/* Control characters but for newline and tab, C1 controls, bidirectional controls, broken UTF-8. */
static void check_bytes(const char *format, const unsigned char *t, size_t n) {
    for (size_t i = 0; i < n;) {
        unsigned char c = t[i];
        size_t more = c < 0x80                 ? 0
                      : c >= 0xc2 && c <= 0xdf ? 1
                      : (c & 0xf0) == 0xe0     ? 2
                      : c >= 0xf0 && c <= 0xf4 ? 3
                                               : 9;
        if ((c < ' ' && c != '\n' && c != '\t') || c == 127) fail(format, "a control character", i);
        if (more == 9 || i + more >= n) {
            fail(format, "broken UTF-8", i);
            return;
        }
        unsigned code = more == 0 ? c : c & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++) {
            if ((t[i + k] & 0xc0) != 0x80) fail(format, "broken UTF-8", i);
            code = code << 6 | (t[i + k] & 0x3fu);
        }
        if ((code >= 0x80 && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) || code == 0xfeff ||
                (code >= 0xd800 && code <= 0xdfff))
            fail(format, "a hidden character", i);
        i += more + 1;
    }
}

static void check_absent(const char *format, const char *text, const char *what) {
    if (strstr(text, what)) fail(format, what, (size_t)(strstr(text, what) - text));
}

static void check_syntax(const char *format, const char *text) {
    if (strcmp(format, "html") == 0 || strcmp(format, "junit") == 0) check_absent(format, text, "<script>alert");
    if (strcmp(format, "github") == 0)
        for (const char *line = text; *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : "")
            if (strncmp(line, "::error ", 8) != 0 && strncmp(line, "::warning ", 10) != 0 &&
                    strncmp(line, "::notice ", 9) != 0)
                fail(format, "a line of its own", (size_t)(line - text));
    if (strcmp(format, "text") == 0) {
        check_absent(format, text, "\n::error");
        check_absent(format, text, "\n[9] error");
    }
}

static void nasty_finding(struct fixture *x) {
    struct finding *f = fixture_finding(x, &fixture_rules[0], nasty, "0123456789abcdef0123456789abcdef");
    char frame[1024];
    snprintf(frame, sizeof frame, "%.100s|/tmp/%.200s|7", "fun\033[2J<b>\"\xe2\x80\xae\xff",
            "dir\033[1m/<i>\"%,:?#\xc3.c");
    uint32_t stack = FIXTURE_STACK(x, frame, "0xdeadbeef", "0x7f0000001234");
    f->detail = nasty;
    f->suppressed_by = nasty;
    f->nthreads = 2;
    f->threads = FIXTURE_COPY(x, struct finding_thread, 2, {2, nasty, stack, 1}, {3, "", stack, 1});
    f->nobjects = 2;
    f->objects = FIXTURE_COPY(
            x, struct finding_object, 2, {1, "L1", "mutex", nasty, 1, stack}, {2, "L2", "mutex", "", 2, 0});
    uint32_t *held = FIXTURE_COPY(x, uint32_t, 2, 0, 77);
    f->nsteps = 5;
    f->steps = FIXTURE_COPY(x, struct finding_step, 5, {0, ACTION_HOLDS, 0, stack, 0, NULL, 0, nasty, 0},
            {0, ACTION_WANTS, 1, stack, 0, held, 2, nasty, 0}, {1, ACTION_DOES, 99, 4711, 0, NULL, 0, nasty, 0},
            {99, ACTION_WAITS, -1, 0, 0x1234, NULL, 0, NULL, 77},
            {1, ACTION_JOINS, -1, stack, 0, NULL, 0, NULL, 2});
    struct finding *skipped = arena_alloc(&x->arena, sizeof *skipped);
    *skipped = *f;
    skipped->suppressed = true;
    skipped->fingerprint[0] = 'f';
    vec_push(&x->findings, skipped);
}

static void write_file(const char *directory, const char *name, const char *text, size_t n) {
    char path[4096];
    snprintf(path, sizeof path, "%s/hostile.%s", directory, name);
    FILE *out = fopen(path, "w");
    if (!out || fwrite(text, 1, n, out) != n || fclose(out) != 0) failures++;
}

/* So many findings that most are text until they are opened, with their drawings by Graphviz. */
static void many_pages(struct fixture *x, const char *directory) {
    char *text = NULL;
    size_t n = 0;
    while (x->findings.n < 250)
        vec_push(&x->findings, x->findings.at[0]);
    x->report.findings = x->findings.at;
    x->report.nfindings = x->findings.n;
    x->report.style.graphviz = true;
    FILE *out = open_memstream(&text, &n);
    report_print(report_find("html"), out, &x->report);
    fclose(out);
    check_bytes("many", (const unsigned char *)text, n);
    check_syntax("html", text);
    if (directory) write_file(directory, "many.html", text, n);
    free(text);
}

int main(int argc, char **argv) {
    struct fixture x;
    static const char *const texts[] = {nasty, nasty};
    fixture_open(&x);
    nasty_finding(&x);
    fixture_close_list(&x);
    static struct report_thread threads[] = {{.id = 1, .name = nasty, .ended = nasty, .state = nasty, .start = nasty},
            {.id = 2, .parent = 2, .name = "own parent", .ended = ""},
            {.id = 3, .parent = 99, .birth_ns = UINT64_MAX, .name = "", .ended = ""}};
    static struct report_contention rows[] = {
            {.name = nasty, .kind = "mutex", .wait_ns = UINT64_MAX, .contended = 5, .acquisitions = 2}};
    static struct report_interval intervals[] = {
            {.thread = 1, .kind = "mutex", .name = nasty, .end_ns = UINT64_MAX, .stack = 1},
            {.thread = 1, .kind = "thread", .name = nasty, .start_ns = UINT64_MAX, .end_ns = 3, .hold = true},
            {.thread = 77, .kind = "", .name = ""}};
    static const struct role_side sides[] = {{.name = nasty, .nthreads = UINT32_MAX, .posts = UINT64_MAX, .waits = 1}, {.name = ""}};
    static const struct role_queue queues[] = {{.kind = "semaphore", .name = nasty, .mutex = nasty, .room = nasty, .clear = true, .producers = sides,
                                                       .nproducers = 2, .consumers = sides, .nconsumers = 2, .says = {texts, 2}},
            {.kind = "", .name = "", .consumers = sides, .nconsumers = 1}};
    static const struct role_pool pools[] = {{.name = nasty, .creator = nasty, .queue_kind = "", .queue = nasty, .lock = nasty, .lock_kind = "mutex",
            .size = UINT32_MAX, .busy = {255, 100}, .says = {texts, 2}}};
    static const struct role_semaphore semaphores[] = {{.name = nasty, .use = ROLE_BOUNDED, .lost = UINT64_MAX}};
    static const struct role_join joins[] = {{.joiner = nasty, .joined = nasty, .n = 2, .waited = 1, .wait_ns = UINT64_MAX, .longest = 1, .says = {texts, 2}}};
    static const struct roles roles = {queues, 2, pools, 1, semaphores, 1, joins, 1};
    static struct report_node nodes[] = {{nasty, "mutex"}, {"", ""}};
    static struct report_edge edges[] = {{0, 1, 1, true}, {1, 99, 1, false}};
    struct symbols *symbols = x.run.symbols;
    x.run = (struct report_run){.record = nasty,
            .exe = nasty,
            .cwd = nasty,
            .argv = texts,
            .nargv = 2,
            .missing = texts,
            .nmissing = 2,
            .threads = threads,
            .nthreads = 3,
            .intervals = intervals,
            .nintervals = 3,
            .interval_least_ns = 1000000,
            .intervals_dropped = UINT64_MAX,
            .roles = &roles,
            .contention = rows,
            .ncontention = 1,
            .nodes = nodes,
            .nnodes = 2,
            .edges = edges,
            .nedges = 2,
            .symbols = symbols,
            .exit = REPORT_EXIT_SIGNAL,
            .exit_code = 11};
    x.report.notes = texts;
    x.report.fixed = texts;
    size_t nformats;
    const struct report_format *formats = report_formats(&nformats);
    for (size_t i = 0; i < nformats + 3; i++) {
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        const char *name = i < nformats ? formats[i].name : i == nformats ? "threads" : i == nformats + 1 ? "contention" : "queues";
        if (i < nformats)
            report_print(&formats[i], out, &x.report);
        else if (i == nformats)
            report_print_threads(out, &x.report);
        else if (i == nformats + 1)
            report_print_contention(out, &x.report);
        else
            report_print_queues(out, &x.report);
        fclose(out);
        check_bytes(name, (const unsigned char *)text, n);
        check_syntax(name, text);
        if (argc > 1) write_file(argv[1], name, text, n);
        free(text);
    }
    many_pages(&x, argc > 1 ? argv[1] : NULL);
    fixture_free(&x);
    return failures != 0;
}
