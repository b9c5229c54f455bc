/* From open records to printed reports. */
#include "base/progress.h"
#include "base/strbuf.h"
#include "check/check.h"
#include "cmd.h"
#include "fill.h"
#include "finding/baseline.h"
#include "finding/merge.h"
#include "finding/suppress.h"
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct job {
    struct cmd_job *in;
    const struct cmd_args *args;
    size_t nruns;         /* records, and one more when something was found across them */
    struct record joined; /* the lock orders of all records, when there are several */
    unsigned char *image; /* its bytes; NULL none */
    struct arena arena;
    struct model *models;
    struct symbols **symbols;
    struct report_run *runs;
    struct symbol_cache *cache;
    struct finding_list list;
    struct suppress *suppress;
    struct baseline *baseline;
    VEC(const char *) notes;
    const struct rule **rules;
};

static void job_note(struct job *j, const char *text) {
    vec_push(&j->notes, text);
}

/* ---- suppressions and baseline ---- */

static bool job_frame(
        void *ctx, uint32_t run, uint32_t stack, uint64_t site, size_t index, struct suppress_frame *out) {
    const struct job *j = ctx;
    const struct symbol_trace *trace = symbol_place(j->symbols[run], stack, site);
    if (index >= trace->nframes) return false;
    const struct symbol_frame *f = trace->frames[index];
    *out = (struct suppress_frame){f->function, f->file, f->module, f->offset, f->linkage};
    return true;
}

static unsigned job_today(void) {
    time_t now = time(NULL);
    struct tm tm = {0};
    gmtime_r(&now, &tm);
    return (unsigned)(tm.tm_year + 1900) * 10000u + (unsigned)(tm.tm_mon + 1) * 100u + (unsigned)tm.tm_mday;
}

/* What matched nothing is only said of the user's own: `first` is the first of those. */
static void job_unused(struct job *j, size_t first) {
    bool all = options_bool(&j->args->options, OPTION_print_suppressions);
    for (size_t i = 0; i < suppress_count(j->suppress); i++) {
        struct suppress_entry e = suppress_at(j->suppress, i);
        if (e.expired)
            job_note(j, arena_printf(&j->arena, "suppression %s (%s) has expired", e.text, e.place));
        else if (!e.matched && !e.inert && i >= first)
            job_note(j, arena_printf(&j->arena, "suppression %s (%s) matched nothing", e.text, e.place));
        else if (all && e.matched)
            job_note(j, arena_printf(&j->arena, "suppression %s (%s) matched %llu times", e.text, e.place,
                                (unsigned long long)e.matched));
    }
}

/* The file of libraries' habits beside this program; NULL: it is not wanted or not there. */
static const char *job_libraries(struct job *j) {
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || !options_bool(&j->args->options, OPTION_library_suppressions)) return NULL;
    while (n > 0 && self[n - 1] != '/')
        n--;
    const char *path = arena_printf(&j->arena, "%.*slibraries.supp", (int)n, self);
    return access(path, R_OK) == 0 ? path : NULL;
}

static bool job_suppress(struct job *j) {
    const char *path = options_text(&j->args->options, OPTION_suppressions), *libraries = job_libraries(j);
    if (!*path && !libraries) return true;
    struct err err = {0};
    j->suppress = suppress_new(j->rules, RULE_COUNT, job_today());
    bool good = !libraries || suppress_read(j->suppress, libraries, &err);
    size_t first = suppress_count(j->suppress);
    if (!good || (*path && !suppress_read(j->suppress, path, &err))) {
        cmd_say("suppressions: %s", err.text);
        return false;
    }
    const struct model **models = arena_array(&j->arena, j->nruns + 1, sizeof *models);
    for (size_t i = 0; i < j->nruns; i++)
        models[i] = &j->models[i];
    struct suppress_names names = {job_frame, j};
    suppress_apply(j->suppress, j->list.all.at, j->list.all.n, models, j->nruns, &names);
    job_unused(j, first);
    return true;
}

static bool job_baseline(struct job *j) {
    struct err err = {0};
    if (j->args->baseline) {
        j->baseline = baseline_read(j->args->baseline, &err);
        if (!j->baseline) {
            cmd_say("baseline: %s", err.text);
            return false;
        }
        baseline_apply(j->baseline, j->list.all.at, j->list.all.n);
    }
    if (j->args->write_baseline && !baseline_write(j->args->write_baseline,
                                           (const struct finding *const *)j->list.all.at, j->list.all.n, &err)) {
        cmd_say("baseline: %s", err.text);
        return false;
    }
    return true;
}

/* ---- records ---- */

static bool job_wants_graph(const struct cmd_args *a) {
    for (size_t i = 0; i < a->outputs.n; i++)
        if (a->outputs.at[i].format->graph) return true;
    return false;
}

static void job_read(struct job *j) {
    bool graph = job_wants_graph(j->args);
    size_t n = j->in->nrecords;
    struct symbol_options options = {.strip_path_prefix = options_text(&j->args->options, OPTION_strip_path_prefix),
            .debuginfod = options_bool(&j->args->options, OPTION_debuginfod)};
    j->cache = symbol_cache_new(&options);
    j->nruns = n;
    j->models = mem_new(n + 1, sizeof *j->models);
    j->symbols = mem_new(n + 1, sizeof *j->symbols);
    j->runs = mem_new(n + 1, sizeof *j->runs);
    progress_start(n > 1 ? "checking records" : "looking for findings", n > 1 ? n : 0);
    for (size_t i = 0; i < n; i++) {
        progress_step(n > 1 ? i : j->list.all.n);
        model_build(&j->models[i], &j->in->records[i]);
        j->models[i].run = (uint32_t)i;
        j->symbols[i] = fill_symbols(j->cache, &j->models[i]);
        fill_namer(&j->models[i], j->symbols[i]);
        if (j->models[i].header->flags & TWATCH_HDR_MERGED) {
        } /* no process: only what is found across records */
        else if (j->args->hang)
            check_group(&j->models[i], &j->list, j->args->group);
        else
            check_all(&j->models[i], &j->list, j->args->optional);
        fill_run(&j->runs[i], &j->arena, &j->models[i], j->symbols[i]);
        if (graph) fill_graph(&j->runs[i], &j->arena, &j->models[i]);
    }
    progress_end();
}

/* Lock orders of all records together, by class: as one more run, when something is found. */
static void job_join(struct job *j) {
    size_t n = j->in->nrecords, size = 0, before = j->list.all.n;
    struct model *m = &j->models[n];
    struct err err = {0};
    if (j->args->hang || n == 0 || (n < 2 && !(j->models[0].header->flags & TWATCH_HDR_MERGED))) return;
    struct join *join = join_new();
    progress_start("joining the lock orders of records", n);
    for (size_t i = 0; i < n; i++) {
        progress_step(i);
        join_add(join, &j->models[i]);
    }
    progress_end();
    j->image = join_image(join, &size);
    join_free(join);
    if (!record_from_memory(&j->joined, j->image, size, "across runs", &err)) {
        job_note(j, arena_printf(&j->arena, "the lock orders of the records could not be joined: %s", err.text));
        free(j->image);
        j->image = NULL;
        return;
    }
    model_build(m, &j->joined);
    m->run = (uint32_t)n;
    j->symbols[n] = fill_symbols(j->cache, m);
    fill_namer(m, j->symbols[n]);
    join_find(m, &j->list);
    fill_run(&j->runs[n], &j->arena, m, j->symbols[n]);
    if (job_wants_graph(j->args)) fill_graph(&j->runs[n], &j->arena, m);
    if (j->list.all.n > before) j->nruns = n + 1;
}

static void job_fold(struct job *j) {
    const char **exe = arena_array(&j->arena, j->nruns + 1, sizeof *exe);
    for (size_t i = 0; i < j->nruns; i++)
        exe[i] = j->runs[i].exe;
    list_sort(&j->list);
    merge_fold(&j->list, exe, j->nruns);
}

/* ---- printing ---- */

static FILE *job_open(const struct job *j, const struct cmd_output *o) {
    if (!o->path) return j->in->fallback;
    if (strcmp(o->path, "-") == 0) return stdout;
    /* O_EXCL after unlink: what somebody planted there, a symlink for one, is not followed. Devices and pipes are used
     * as they are. */
    struct stat st;
    if (lstat(o->path, &st) == 0 && (S_ISREG(st.st_mode) || (j->args->automatic && S_ISLNK(st.st_mode))))
        unlink(o->path);
    int fd = open(o->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC | (j->args->automatic ? O_NOFOLLOW | O_EXCL : 0),
            j->args->automatic ? 0600 : 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f) cmd_say("%s: cannot be written: %s", o->path, strerror(errno));
    return f;
}

static bool job_print_one(const struct job *j, struct report *r, const struct cmd_output *o) {
    FILE *f = job_open(j, o);
    if (!f) return false;
    r->style = report_style_for(f, options_text(&j->args->options, OPTION_color));
    r->style.verbose = j->args->verbose || options_int(&j->args->options, OPTION_verbosity) > 0;
    r->style.graphviz = true;
    char cwd[4096];
    if (getcwd(cwd, sizeof cwd)) r->style.root = cwd;
    /* Not when the report goes where the bar is, or through a pipe to a pager. */
    struct stat st;
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)) progress_start("writing the report", r->nfindings);
    bool good = report_print(o->format, f, r);
    progress_end();
    bool text = strcmp(o->format->name, "text") == 0; /* the other formats have what they can show of it in any case */
    if (good && text && j->args->threads) report_print_threads(f, r);
    if (good && text && j->args->queues) report_print_queues(f, r);
    if (good && text && j->args->contention) report_print_contention(f, r);
    if (!good) cmd_say("%s: cannot be written: %s", o->path ? o->path : "report", strerror(errno));
    if (f != stdout && f != stderr && fclose(f) != 0 && good) {
        cmd_say("%s: cannot be written: %s", o->path, strerror(errno));
        good = false;
    }
    return good;
}

static void job_generate(struct job *j) {
    struct suppress_names names = {job_frame, j};
    for (size_t i = 0; i < j->list.all.n; i++)
        if (report_counts(j->list.all.at[i]))
            suppress_generate(stdout, j->list.all.at[i], &j->models[j->list.all.at[i]->run], &names);
    fflush(stdout);
}

static bool job_print(struct job *j) {
    const char *const *fixed = NULL;
    size_t nfixed = j->baseline ? baseline_fixed(j->baseline, &fixed) : 0;
    for (size_t i = 0; i < j->in->nnotes; i++)
        job_note(j, j->in->notes[i]);
    struct report r = {.version = TWATCH_VERSION,
            .runs = j->runs,
            .nruns = j->nruns,
            .findings = (const struct finding *const *)j->list.all.at,
            .nfindings = j->list.all.n,
            .rules = j->rules,
            .nrules = RULE_COUNT,
            .notes = j->notes.at,
            .nnotes = j->notes.n,
            .fixed = fixed,
            .nfixed = nfixed,
            .fail_on = j->args->never_fail ? 3 : (int)j->args->fail_on};
    struct cmd_output text = {report_find("text"), NULL};
    bool good = true;
    if (j->args->gen_suppressions) {
        job_generate(j);
        return true;
    }
    if (j->args->outputs.n == 0) return job_print_one(j, &r, &text);
    for (size_t i = 0; i < j->args->outputs.n; i++)
        good = job_print_one(j, &r, &j->args->outputs.at[i]) && good;
    return good;
}

/* A report into a file is easily overlooked. */
static void job_say(const struct job *j) {
    const char *path = j->args->outputs.n ? j->args->outputs.at[0].path : NULL;
    size_t errors = 0, warnings = 0, fail = j->args->never_fail ? 0 : list_count(&j->list, j->args->fail_on);
    if (!fail || !path || strcmp(path, "-") == 0 || j->args->quiet) return;
    for (size_t i = 0; i < j->list.all.n; i++) {
        const struct finding *f = j->list.all.at[i];
        errors += report_counts(f) && f->severity == SEVERITY_ERROR;
        warnings += report_counts(f) && f->severity == SEVERITY_WARNING;
    }
    cmd_say("%zu error%s, %zu warning%s: see %s", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
            path);
}

static void job_free(struct job *j) {
    for (size_t i = 0; i < j->in->nrecords; i++) {
        symbol_free(j->symbols[i]);
        model_free(&j->models[i]);
        record_close(&j->in->records[i]);
    }
    if (j->image) {
        symbol_free(j->symbols[j->in->nrecords]);
        model_free(&j->models[j->in->nrecords]);
        record_close(&j->joined);
        free(j->image);
    }
    if (j->suppress) suppress_free(j->suppress);
    if (j->baseline) baseline_free(j->baseline);
    symbol_cache_free(j->cache);
    list_free(&j->list);
    vec_free(&j->notes);
    free(j->models);
    free(j->symbols);
    free(j->runs);
    arena_free(&j->arena);
}

int cmd_job_run(struct cmd_job *in) {
    struct job j = {.in = in, .args = in->args};
    j.rules = arena_array(&j.arena, RULE_COUNT, sizeof *j.rules);
    for (int i = 0; i < RULE_COUNT; i++)
        j.rules[i] = check_rule((enum check_rule_id)i);
    job_read(&j);
    job_join(&j);
    job_fold(&j);
    bool good = job_suppress(&j) && job_baseline(&j) && job_print(&j);
    size_t fail = in->args->never_fail ? 0 : list_count(&j.list, in->args->fail_on);
    if (good) job_say(&j);
    job_free(&j);
    if (!good) return CMD_TROUBLE;
    if (fail) return in->args->error_exitcode;
    return in->nunreadable ? CMD_TROUBLE : 0;
}
