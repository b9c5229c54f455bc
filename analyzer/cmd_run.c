/* twatch run -- COMMAND: starts it under the library, waits, reads what it and its children recorded, reports. */
#include "base/progress.h"
#include "cmd.h"
#include "cmd_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char run_usage[] =
        "usage: twatch run [options] -- COMMAND [ARG...]\n"
        "Runs a command and its children under the library and reports what is wrong with their threads.\n\n"
        "  --timeout=SECONDS    end it after this time, and explain what it was waiting for\n"
        "  --keep               keep the records (their directory is named)\n"
        "  --follow=no          only the command itself, not its children\n"
        "  --log-path=DIR/      where records go (default: a private directory, removed afterwards)\n"
        "  --races=off          no race detection, only locks and threads: cheaper\n"
        "  --format=NAME --output=FILE --fail-on=SEVERITY --error-exitcode=N --suppressions=FILE --baseline=FILE\n"
        "                       as for twatch report; the report goes to standard error unless --output says "
        "otherwise\n"
        "Every key of `twatch help options` works too, as --key=value.\n"
        "Exit status: 66 findings; otherwise the command's own (128+N for signal N); 125 nothing was observed or other "
        "trouble,\n"
        "126 the command cannot be run, 127 it was not found.\n";

#define RUN_PREFIX "twatch-run-"

struct run {
    struct cmd_args args;
    struct arena arena;
    char *directory; /* private, to remove; NULL: the user's */
    const char *log_path;
    const char *seen; /* file of observed processes */
    char library[PATH_MAX];
    struct watch watch;
    VEC(const char *) notes;
};

static void run_note(struct run *r, const char *text) {
    vec_push(&r->notes, text);
}

/* ---- before ---- */

static bool run_library(struct run *r) {
    static const char *const places[] = {"libtwatch.so", "../lib/twatch/libtwatch.so"};
    char self[PATH_MAX], path[PATH_MAX + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash) slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", self, places[i]);
        if (access(path, R_OK) == 0 && realpath(path, r->library)) {
            /* The loader splits LD_PRELOAD at both and knows no quoting. */
            if (!strpbrk(r->library, " :")) return true;
            cmd_say("%s: a path with a blank or a colon cannot be preloaded", r->library);
            return false;
        }
    }
    fprintf(stderr, "twatch: libtwatch.so is neither beside twatch nor in ../lib/twatch\n");
    return false;
}

/* The children may go to other directories, so that a relative path would mean another place to each; a directory that
 * is not there is made. */
static void run_log_path(struct run *r) {
    char cwd[PATH_MAX];
    if (*r->log_path != '/' && getcwd(cwd, sizeof cwd))
        r->log_path = arena_printf(&r->arena, "%s/%s", cwd, r->log_path);
    char *path = arena_str(&r->arena, r->log_path);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777); /* what cannot be made is said by the processes that cannot write there */
        *slash = '/';
    }
}

/* Empties and removes a directory of records; only what lies in it itself. */
static void run_remove(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    rmdir(path);
}

/*
 * A run that was killed leaves its directory. Its file "run" is locked as long as that run lives, by the kernel, so
 * that no number of a process has to be trusted: what carries our name, is ours, has such a file, and can be locked, is
 * nobody's any more.
 */
static void run_remove_stale(struct run *r, const char *base) {
    DIR *d = opendir(base);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, RUN_PREFIX, sizeof RUN_PREFIX - 1) != 0 || strchr(e->d_name, '.')) continue;
        char *path = arena_printf(&r->arena, "%s/%s", base, e->d_name), *lock = arena_printf(&r->arena, "%s/run", path);
        struct stat st, file;
        if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid()) continue;
        int fd = open(lock, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) continue;
        bool mine = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == geteuid();
        if (mine && flock(fd, LOCK_EX | LOCK_NB) == 0) run_remove(path);
        close(fd);
    }
    if (d) closedir(d);
}

static bool run_directory(struct run *r) {
    const char *base = getenv("TMPDIR");
    if (!base || base[0] != '/') base = "/tmp";
    run_remove_stale(r, base);
    r->directory = arena_printf(&r->arena, "%s/" RUN_PREFIX "XXXXXX", base);
    if (!mkdtemp(r->directory)) {
        cmd_say("%s: cannot make a directory for the records: %s", base, strerror(errno));
        r->directory = NULL;
        return false;
    }
    /* Closed when this process ends, however it ends; the command does not inherit it. It gets its name when it is
     * locked: a run that starts at the same time must not find it unlocked. */
    const char *fresh = arena_printf(&r->arena, "%s/run.new", r->directory);
    int lock = open(fresh, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        rename(fresh, arena_printf(&r->arena, "%s/run", r->directory));
    /* A program that root starts may go on as somebody else; its records are still readable by their owner and root
     * only. */
    if (geteuid() == 0) chmod(r->directory, 01733);
    r->seen = arena_printf(&r->arena, "%s/seen", r->directory);
    int fd = open(r->seen, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    if (geteuid() == 0) fchmod(fd, 0622);
    close(fd);
    r->log_path = options_text(&r->args.options, OPTION_log_path);
    if (*r->log_path)
        run_log_path(r);
    else
        r->log_path = arena_printf(&r->arena, "%s/", r->directory);
    return true;
}

static void run_environment(struct run *r) {
    struct options child = r->args.options;
    struct strbuf text = {0}, preload = {0};
    const char *old = getenv("LD_PRELOAD");
    strbuf_printf(&preload, "%s%s%s", r->library, old && *old ? ":" : "", old ? old : "");
    options_export(&child, &text);
    /* After the user's own: the last one counts. */
    strbuf_printf(&text, "%slog_path='%s':report=off", text.n ? ":" : "", r->log_path);
    if (!child.value[OPTION_on_deadlock]) strbuf_puts(&text, ":on_deadlock=exit");
    setenv("LD_PRELOAD", strbuf_text(&preload), 1);
    setenv("TWATCH_OPTIONS", strbuf_text(&text), 1);
    setenv("TWATCH_SEEN", r->seen, 1);
    strbuf_free(&text);
    strbuf_free(&preload);
}

/* Starts the command; 0, or the exit status that says why not. */
static int run_start(struct run *r) {
    int report[2], failed = 0;
    if (pipe2(report, O_CLOEXEC) != 0) return CMD_TROUBLE;
    watch_signals(&r->watch);
    r->watch.child = fork();
    if (r->watch.child == 0) {
        watch_signals_restore(&r->watch);
        run_environment(r);
        vec_push(&r->args.rest, (const char *)NULL);
        execvp(r->args.rest.at[0], (char *const *)(uintptr_t)r->args.rest.at);
        failed = errno;
        ssize_t ignored = write(report[1], &failed, sizeof failed);
        (void)ignored;
        _exit(CMD_CANNOT_RUN);
    }
    close(report[1]);
    if (r->watch.child < 0) {
        close(report[0]);
        cmd_say("cannot start a process: %s", strerror(errno));
        return CMD_TROUBLE;
    }
    ssize_t n = read(report[0], &failed, sizeof failed);
    close(report[0]);
    if (n != (ssize_t)sizeof failed) return 0;
    waitpid(r->watch.child, NULL, 0);
    cmd_say("%s: %s", r->args.rest.at[0], strerror(failed));
    return failed == ENOENT ? CMD_NOT_FOUND : CMD_CANNOT_RUN;
}

/* ---- after ---- */

/* log_path as the library reads it: a directory, or a prefix of files. */
static void run_paths(void *ctx, struct cmd_paths *out) {
    struct run *r = ctx;
    struct stat st;
    const char *path = r->log_path, *dir = path, *prefix = "";
    VEC(const char *) all = {0};
    if (path[strlen(path) - 1] != '/' && !(stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
        const char *slash = strrchr(path, '/');
        prefix = slash ? slash + 1 : path;
        dir = slash ? arena_strn(&r->arena, path, (size_t)(slash - path) + 1) : "./";
    }
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || n <= 7 || strcmp(e->d_name + n - 7, ".twatch") != 0)
            continue;
        const char *file = arena_printf(&r->arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", e->d_name);
        /* A directory of the user's may hold records of other runs. */
        if (!r->directory || strncmp(file, r->directory, strlen(r->directory)) == 0 || watch_is_newer(&r->watch, file))
            vec_push(&all, file);
    }
    if (d) closedir(d);
    *out = (struct cmd_paths){.at = arena_array(&r->arena, all.n, sizeof *all.at), .n = all.n};
    if (all.n) memcpy(out->at, all.at, all.n * sizeof *all.at);
    vec_free(&all);
}

static int run_by_start(const void *pa, const void *pb) {
    const struct record *a = pa, *b = pb;
    if (a->header.start_ns != b->header.start_ns) return a->header.start_ns < b->header.start_ns ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* The records as they were when time was up, where a process did not live to see more; the final ones otherwise. */
static void run_records(struct run *r, struct cmd_job *job) {
    struct cmd_paths paths;
    run_paths(r, &paths);
    job->nrecords = cmd_records_open(&paths, &job->records, &job->nunreadable);
    for (size_t i = 0; i < job->nrecords; i++) {
        struct record *x = &job->records[i];
        watch_swap(&r->watch, x);
        if (x->header.end == TWATCH_END_RUNNING && !x->live && x->header.pid == r->watch.child)
            x->killed_ns = r->watch.end_ns;
    }
    if (job->nrecords > 1) qsort(job->records, job->nrecords, sizeof *job->records, run_by_start);
}

static void run_explain_timeout(struct run *r) {
    if (r->watch.timed_out)
        run_note(r, arena_printf(&r->arena, "the command was ended after the time limit of %g s",
                            (double)r->args.timeout_ns / 1e9));
}

static void run_explain_left(struct run *r, const struct watch_seen *seen) {
    if (!seen->left) return;
    struct strbuf text = {0};
    strbuf_printf(&text, "%zu process%s not observed: ", seen->left, seen->left == 1 ? " was" : "es were");
    for (size_t i = 0; i < seen->nprograms; i++)
        strbuf_printf(&text, "%s%s", i ? "; " : "", seen->programs[i]);
    if (seen->nprograms == WATCH_PROGRAMS) strbuf_puts(&text, "; ...");
    run_note(r, arena_str(&r->arena, strbuf_text(&text)));
    strbuf_free(&text);
}

static int run_finish(struct run *r) {
    struct cmd_job job = {.args = &r->args, .fallback = stderr};
    if (r->args.quiet) progress_never();
    run_records(r, &job);
    run_explain_timeout(r);
    int child = watch_status(&r->watch), status = CMD_TROUBLE;
    struct watch_seen seen = watch_seen(&r->arena, r->seen);
    if (seen.observed == 0 && job.nrecords == 0) {
        cmd_say("nothing was observed: %s",
                seen.nprograms ? seen.programs[0] : watch_why_unseen(&r->arena, r->args.rest.at[0]));
        free(job.records);
        return CMD_TROUBLE;
    }
    if (job.nrecords == 0)
        run_note(r, arena_printf(&r->arena, "%zu process%s watched, none of them used threads", seen.observed,
                            seen.observed == 1 ? " was" : "es were"));
    run_explain_left(r, &seen);
    job.nunreadable += seen.unrecorded; /* they were worth a record: no clean bill without it */
    job.notes = r->notes.at;
    job.nnotes = r->notes.n;
    if (job.nrecords || r->args.outputs.n)
        status = cmd_job_run(&job);
    else
        status = seen.unrecorded ? CMD_TROUBLE : 0;
    if (!job.nrecords && !r->args.outputs.n && seen.left) cmd_say("%s", r->notes.at[r->notes.n - 1]);
    free(job.records);
    return status ? status : child;
}

static void run_clean(struct run *r) {
    if (!r->directory) return;
    if (r->args.keep) {
        cmd_say("the records are in %s", r->log_path);
        unlink(r->seen);
        unlink(arena_printf(&r->arena, "%s/run", r->directory)); /* without it the next run leaves the records alone */
        rmdir(r->directory);                                     /* where the records went elsewhere */
        return;
    }
    run_remove(r->directory);
}

int cmd_run(int argc, char **argv) {
    struct run r = {0};
    int status;
    if (!cmd_args_parse(&r.args, argc, argv, run_usage, &status)) {
        cmd_args_free(&r.args);
        return status;
    }
    status = CMD_TROUBLE;
    if (r.args.rest.n == 0)
        fprintf(stderr, "twatch: run needs a command\n%s", run_usage);
    else if (run_library(&r) && run_directory(&r)) {
        r.watch.timeout_ns = r.args.timeout_ns;
        r.watch.find = run_paths;
        r.watch.ctx = &r;
        status = run_start(&r);
        if (status == 0) {
            watch_wait(&r.watch);
            status = run_finish(&r);
        }
    }
    run_clean(&r);
    watch_free(&r.watch);
    vec_free(&r.notes);
    cmd_args_free(&r.args);
    arena_free(&r.arena);
    return status;
}
