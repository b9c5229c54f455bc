#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REPORT(name, graph, help) void report_##name##_print(FILE *out, const struct report *report);
#include "report/reports.def"
#undef REPORT

static const struct report_format report_table[] = {
#define REPORT(name, graph, help) {#name, help, graph, report_##name##_print},
#include "report/reports.def"
#undef REPORT
};

const struct report_format *report_formats(size_t *n) {
    *n = sizeof report_table / sizeof *report_table;
    return report_table;
}

const struct report_format *report_find(const char *name) {
    for (size_t i = 0; i < sizeof report_table / sizeof *report_table; i++)
        if (strcmp(report_table[i].name, name) == 0) return &report_table[i];
    return NULL;
}

bool report_print(const struct report_format *format, FILE *out, const struct report *report) {
    errno = 0;
    format->print(out, report);
    return fflush(out) == 0 && !ferror(out);
}

struct report_style report_style_for(FILE *out, const char *color) {
    struct report_style style = {.width = 100};
    int fd = fileno(out);
    bool terminal = fd >= 0 && isatty(fd);
    struct winsize size;
    const char *columns = getenv("COLUMNS"), *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
        style.width = size.ws_col;
    else if (columns && atoi(columns) > 0)
        style.width = (unsigned)atoi(columns);
    if (style.width < 40) style.width = 40;
    if (style.width > 160) style.width = 160;
    if (strcmp(color, "always") == 0)
        style.color = true;
    else if (strcmp(color, "never") != 0)
        style.color = terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
    return style;
}

const struct symbol_trace *report_trace(const struct report *r, uint32_t run, uint32_t stack, uint64_t site) {
    static const struct symbol_trace empty;
    if (run >= r->nruns || !r->runs[run].symbols) return &empty;
    return symbol_place(r->runs[run].symbols, stack, site);
}

/* How well a step's action answers "where do I look first". */
static int report_weight(enum action action) {
    switch (action) {
    case ACTION_WAITS: /* of a chain of joins, what the last of them is stuck at */
        return 4;
    case ACTION_WANTS:
    case ACTION_READS:
    case ACTION_WRITES:
    case ACTION_UNLOCKS:
    case ACTION_DESTROYS:
    case ACTION_FREES:
    case ACTION_INITS:
    case ACTION_JOINS:
    case ACTION_FORKS:
    case ACTION_SIGNALS:
    case ACTION_POSTS:
    case ACTION_DOES:
        return 3;
    case ACTION_HOLDS:
    case ACTION_DETACHES:
    case ACTION_RUNS:
        return 2;
    case ACTION_CREATES:
    case ACTION_ENDS:
        return 1;
    }
    return 0;
}

const struct symbol_frame *report_blame(const struct report *r, const struct finding *f) {
    const struct symbol_frame *best = NULL;
    int best_weight = 0;
    for (size_t i = 0; i < f->nsteps; i++) {
        const struct finding_step *s = &f->steps[i];
        const struct symbol_frame *at = symbol_first_own(report_trace(r, f->run, s->stack, s->site));
        if (!at) continue;
        int weight = report_weight(s->action) + (at->own ? 8 : 0) + (at->file && at->line ? 4 : 0);
        if (weight > best_weight) best = at, best_weight = weight;
    }
    for (size_t i = 0; !best && i < f->nthreads; i++)
        best = symbol_first_own(report_trace(r, f->run, f->threads[i].created_stack, 0));
    return best;
}

const char *report_severity(enum severity severity) {
    switch (severity) {
    case SEVERITY_NOTE:
        return "note";
    case SEVERITY_WARNING:
        return "warning";
    case SEVERITY_ERROR:
        return "error";
    }
    return "error";
}

const char *report_confidence(enum confidence confidence) {
    switch (confidence) {
    case CONFIDENCE_POSSIBLE:
        return "possible";
    case CONFIDENCE_PREDICTED:
        return "predicted";
    case CONFIDENCE_CONFIRMED:
        return "confirmed";
    }
    return "possible";
}

const char *report_action(enum action action) {
    static const char *const names[] = {[ACTION_HOLDS] = "holds",
            [ACTION_WANTS] = "wants",
            [ACTION_WAITS] = "waits",
            [ACTION_READS] = "reads",
            [ACTION_WRITES] = "writes",
            [ACTION_UNLOCKS] = "unlocks",
            [ACTION_DESTROYS] = "destroys",
            [ACTION_FREES] = "frees",
            [ACTION_INITS] = "initializes",
            [ACTION_SIGNALS] = "signals",
            [ACTION_POSTS] = "posts",
            [ACTION_JOINS] = "joins",
            [ACTION_DETACHES] = "detaches",
            [ACTION_CREATES] = "creates",
            [ACTION_ENDS] = "ends",
            [ACTION_FORKS] = "forks",
            [ACTION_RUNS] = "runs",
            [ACTION_DOES] = "does"};
    return (size_t)action < sizeof names / sizeof *names ? names[action] : "does";
}

const char *report_relative(const struct report *r, const char *path) {
    const char *root = r->style.root;
    size_t n = root ? strlen(root) : 0;
    while (n > 1 && root[n - 1] == '/')
        n--;
    if (!path || n < 2 || strncmp(path, root, n) != 0 || path[n] != '/' || !path[n + 1]) return path;
    return path + n + 1;
}

bool report_counts(const struct finding *f) {
    return !f->suppressed && f->baseline != BASELINE_KNOWN;
}

size_t report_count_severity(const struct report *r, enum severity severity) {
    size_t n = 0;
    for (size_t i = 0; i < r->nfindings; i++) {
        const struct finding *f = r->findings[i];
        n += f->severity == severity && report_counts(f);
    }
    return n;
}
