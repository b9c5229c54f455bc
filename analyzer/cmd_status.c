/* twatch status PID|FILE: the threads of a running process, or the last state of one that has ended. */
#include "cmd.h"
#include "fill.h"
#include "status.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char status_usage[] =
        "usage: twatch status [options] PID|FILE\n"
        "Shows the threads of a process that runs under the library: their state, what they hold and wait for, and "
        "who\n"
        "holds that; the busiest and the most contended locks. Nothing is attached to and nothing stopped.\n\n"
        "  --stacks            the stack of every wait, and of every lock held\n"
        "  --watch[=SECONDS]   again and again (default: every second), until the process ends\n"
        "  --locks=N           rows of each table of locks (default: 5)\n"
        "  --format=text|json  (default: text)\n"
        "Exit status: 0; 1 the process is not watched; 125 other trouble.\n";

enum { STATUS_UNWATCHED = 1 };

struct status_args {
    struct status_view view;
    const char *what;
    double every; /* seconds; 0: once */
    bool json;
};

static bool status_number(const char *text, double least, double most, double *out) {
    char *end;
    errno = 0;
    double x = strtod(text, &end);
    if (errno || end == text || *end || !(x >= least && x <= most)) {
        cmd_say("status: \"%s\" is no number from %g to %g", text, least, most);
        return false;
    }
    *out = x;
    return true;
}

static bool status_arg(struct status_args *a, const char *arg) {
    double x = 1;
    if (strcmp(arg, "--stacks") == 0) {
        a->view.stacks = true;
    } else if (strcmp(arg, "--watch") == 0) {
        a->every = 1;
    } else if (strncmp(arg, "--watch=", 8) == 0) {
        if (!status_number(arg + 8, 0.1, 86400, &a->every)) return false;
    } else if (strncmp(arg, "--locks=", 8) == 0) {
        if (!status_number(arg + 8, 0, 100000, &x)) return false;
        a->view.most = (size_t)x;
    } else if (strcmp(arg, "--format=json") == 0 || strcmp(arg, "--format=text") == 0) {
        a->json = arg[9] == 'j';
    } else if (arg[0] == '-' || a->what) {
        fprintf(stderr, "twatch: status: %s \"%s\"\n%s",
                arg[0] == '-' ? "unknown option" : "one process only, not also", arg, status_usage);
        return false;
    } else {
        a->what = arg;
    }
    return true;
}

/* ---- which record ---- */

/* The record that the process has mapped: the last one, should it have several (a library of its own kind in between).
 */
static bool status_find(int pid, char *path, bool *library) {
    char maps[64], line[PATH_MAX + 128];
    snprintf(maps, sizeof maps, "/proc/%d/maps", pid);
    FILE *f = fopen(maps, "re");
    if (!f) {
        cmd_say("process %d: %s", pid, errno == ENOENT ? "there is none" : strerror(errno));
        return false;
    }
    path[0] = '\0';
    *library = false;
    while (fgets(line, sizeof line, f)) {
        char *name = strchr(line, '/');
        size_t n = name ? strcspn(name, "\n") : 0;
        if (n == 0) continue;
        name[n] = '\0';
        *library |= strstr(name, "/libtwatch.so") != NULL;
        if (n > 7 && n < PATH_MAX && strcmp(name + n - 7, ".twatch") == 0) memcpy(path, name, n + 1);
    }
    fclose(f);
    return true;
}

/* The path as that process sees it may lie in another root. */
static bool status_path(const char *what, char *path) {
    char *end, own[PATH_MAX];
    long pid = strtol(what, &end, 10);
    if (*end || end == what || pid <= 0 || pid > INT_MAX) {
        snprintf(path, PATH_MAX, "%s", what);
        return true;
    }
    bool library;
    if (!status_find((int)pid, own, &library)) return false;
    if (!own[0]) {
        cmd_say("process %ld %s", pid,
                library ? "has nothing to show yet: it has not started a thread"
                        : "is not watched: it runs without libtwatch.so");
        return false;
    }
    if (access(own, R_OK) == 0 || snprintf(path, PATH_MAX, "/proc/%ld/root%s", pid, own) >= PATH_MAX)
        memcpy(path, own, strlen(own) + 1);
    return true;
}

/* ---- one look ---- */

static int status_show(const struct status_args *a, const char *path, struct symbol_cache *cache, bool *live) {
    struct record record;
    struct model model;
    struct arena arena = {0};
    struct err err = {0};
    struct status s;
    if (!record_open(&record, path, &err)) {
        cmd_say("%s: %s", path, err.text);
        return CMD_TROUBLE;
    }
    model_build(&model, &record);
    struct symbols *symbols = fill_symbols(cache, &model);
    fill_namer(&model, symbols);
    status_collect(&s, &arena, &model, symbols, &a->view);
    if (a->every > 0 && !a->json && isatty(STDOUT_FILENO)) fputs("\033[H\033[2J", stdout);
    (a->json ? status_json : status_text)(stdout, &s, &a->view);
    *live = s.live;
    fflush(stdout);
    symbol_free(symbols);
    arena_free(&arena);
    model_free(&model);
    record_close(&record);
    return ferror(stdout) ? CMD_TROUBLE : 0;
}

int cmd_status(int argc, char **argv) {
    struct status_args a = {.view = {.most = 5}};
    char path[PATH_MAX];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(status_usage, stdout);
            return 0;
        }
        if (!status_arg(&a, argv[i])) return CMD_TROUBLE;
    }
    if (!a.what) {
        fprintf(stderr, "twatch: status needs a process or a record\n%s", status_usage);
        return CMD_TROUBLE;
    }
    if (!status_path(a.what, path)) return STATUS_UNWATCHED;
    /* Separate debug files (libc's, mostly) take longer to unpack than all the rest; without stacks nothing asks for
     * them. */
    struct symbol_options options = {.debug_root = a.view.stacks ? NULL : "/dev/null"};
    struct symbol_cache *cache = symbol_cache_new(&options);
    bool live = false;
    int status = status_show(&a, path, cache, &live);
    while (status == 0 && a.every > 0 && live) {
        struct timespec pause = {(time_t)a.every, (long)((a.every - (double)(time_t)a.every) * 1e9)};
        nanosleep(&pause, NULL);
        if (!a.json) putchar('\n');
        status = status_show(&a, path, cache, &live);
    }
    symbol_cache_free(cache);
    return status;
}
