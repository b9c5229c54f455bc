#include "cmd_watch.h"

#include "base/hash.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t watch_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- signals ---- */

static const int watch_forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM};

static void watch_set(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof watch_forwarded / sizeof *watch_forwarded; i++)
        sigaddset(set, watch_forwarded[i]);
}

void watch_signals(struct watch *w) {
    sigset_t set;
    watch_set(&set);
    sigprocmask(SIG_BLOCK, &set, &w->old_mask);
    w->start_ns = watch_now();
    clock_gettime(CLOCK_REALTIME_COARSE, &w->start_real);
}

void watch_signals_restore(struct watch *w) {
    sigprocmask(SIG_SETMASK, &w->old_mask, NULL);
}

/* ---- waiting ---- */

static bool watch_reap(struct watch *w) {
    pid_t got;
    do
        got = waitpid(w->child, &w->raw_status, WNOHANG);
    while (got < 0 && errno == EINTR);
    return got != 0;
}

/* One signal, or `limit_ns` of waiting. A signal that the terminal sent has reached the child too: only those sent by
 * somebody are passed on. */
static void watch_signal(struct watch *w, uint64_t limit_ns) {
    sigset_t set;
    siginfo_t info;
    struct timespec limit = {(time_t)(limit_ns / 1000000000u), (long)(limit_ns % 1000000000u)};
    watch_set(&set);
    int got = sigtimedwait(&set, &info, &limit);
    if (got > 0 && got != SIGCHLD && info.si_code <= 0) kill(w->child, got);
}

static void watch_snapshot(struct watch *w) {
    struct cmd_paths paths;
    w->find(w->ctx, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        struct record r;
        if (!record_open(&r, paths.at[i], NULL)) continue;
        if (r.live)
            vec_push(&w->snapshots, r);
        else
            record_close(&r);
    }
}

static void watch_kill(struct watch *w, int number) {
    kill(w->child, number);
    for (size_t i = 0; i < w->snapshots.n; i++)
        if (w->snapshots.at[i].header.pid > 1 && w->snapshots.at[i].header.pid != w->child)
            kill(w->snapshots.at[i].header.pid, number);
}

void watch_wait(struct watch *w) {
    enum { TICK = 1000000000 };
    uint64_t limit = w->timeout_ns ? w->start_ns + w->timeout_ns : UINT64_MAX;
    while (!watch_reap(w)) {
        uint64_t now = watch_now();
        if (now < limit) {
            watch_signal(w, limit - now < TICK ? limit - now : TICK);
            continue;
        }
        if (!w->timed_out) {
            w->timed_out = true;
            watch_snapshot(w);
            watch_kill(w, SIGTERM);
            limit = now + 2000000000u;
        } else {
            watch_kill(w, SIGKILL);
            limit = now + TICK;
        }
    }
    if (w->timed_out) watch_kill(w, SIGKILL); /* its children: they live no longer than it */
    w->end_ns = watch_now();
}

int watch_status(const struct watch *w) {
    if (WIFEXITED(w->raw_status)) return WEXITSTATUS(w->raw_status);
    return WIFSIGNALED(w->raw_status) ? 128 + WTERMSIG(w->raw_status) : 0;
}

void watch_swap(struct watch *w, struct record *record) {
    for (size_t i = 0; i < w->snapshots.n; i++) {
        struct record *s = &w->snapshots.at[i];
        if (!s->live || s->header.inode_cookie != record->header.inode_cookie || s->header.pid != record->header.pid)
            continue;
        struct record late = *record;
        *record = *s;
        *s = late;
        record->live = false;
        record->killed_ns = record->read_ns;
        s->live = false;
        return;
    }
}

bool watch_is_newer(const struct watch *w, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) return false;
    struct timespec at = st.st_mtim, start = w->start_real;
    /* Some file systems keep whole seconds. */
    return at.tv_sec > start.tv_sec || (at.tv_sec == start.tv_sec && (at.tv_nsec >= start.tv_nsec || !at.tv_nsec));
}

/* ---- was it observed? ---- */

struct watch_process {
    long pid;
    char *why; /* and the program; NULL: observed */
    UT_hash_handle hh;
};

static struct watch_process *watch_line(struct watch_process *all, char *line, size_t n) {
    char *rest;
    struct watch_process *x;
    if (n && line[n - 1] == '\n') line[n - 1] = '\0';
    long pid = strtol(line, &rest, 10);
    if (pid <= 0 || *rest != ' ') return all;
    HASH_FIND(hh, all, &pid, sizeof pid, x);
    if (!x) {
        x = mem_new(1, sizeof *x);
        x->pid = pid;
        HASH_ADD(hh, all, pid, sizeof x->pid, x);
    }
    free(x->why);
    x->why = rest[1] == '-' && rest[2] == ' ' ? strdup(rest + 3) : NULL;
    return all;
}

static void watch_program(struct arena *a, struct watch_seen *seen, const char *why) {
    static const struct {
        const char *word, *text;
    } words[] = {{"unrecorded ", "could not write its record"},
            {"cleared ", "was started without LD_PRELOAD in its environment"}, {"static ", "is linked statically"},
            {"setuid ", "gains rights, and the loader ignores LD_PRELOAD for such programs"}};
    const char *text = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(why, words[i].word, strlen(words[i].word)) == 0)
            text = arena_printf(a, "%s %s", why + strlen(words[i].word), words[i].text);
    for (size_t i = 0; text && i < seen->nprograms; i++)
        if (strcmp(seen->programs[i], text) == 0) text = NULL;
    if (text && seen->nprograms < WATCH_PROGRAMS) seen->programs[seen->nprograms++] = text;
}

struct watch_seen watch_seen(struct arena *a, const char *path) {
    struct watch_seen seen = {.programs = arena_array(a, WATCH_PROGRAMS, sizeof *seen.programs)};
    struct watch_process *all = NULL, *x, *next;
    char *line = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    for (ssize_t n; f && (n = getline(&line, &size, f)) > 0;)
        all = watch_line(all, line, (size_t)n);
    free(line);
    if (f) fclose(f);
    HASH_ITER(hh, all, x, next) {
        seen.observed += !x->why;
        seen.left += x->why != NULL;
        seen.unrecorded += x->why && strncmp(x->why, "unrecorded ", 11) == 0;
        if (x->why) watch_program(a, &seen, x->why);
        HASH_DEL(all, x);
        free(x->why);
        free(x);
    }
    return seen;
}

/* The file that execvp would take. */
static const char *watch_find(struct arena *a, const char *command) {
    const char *path = getenv("PATH");
    if (strchr(command, '/')) return command;
    for (const char *p = path ? path : "/bin:/usr/bin"; p; p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL) {
        size_t n = strcspn(p, ":");
        const char *file = arena_printf(a, "%.*s/%s", (int)n, n ? p : ".", command);
        if (access(file, X_OK) == 0) return file;
    }
    return command;
}

/* Does an ELF file name an interpreter? One without is static: there is no loader that could preload anything. */
static bool watch_has_loader(const unsigned char *head, size_t n) {
    Elf64_Ehdr e;
    memcpy(&e, head, sizeof e);
    for (uint64_t i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        uint64_t at = e.e_phoff + i * sizeof p;
        if (e.e_phoff > n || at + sizeof p > n) return true; /* not in what was read: no claim */
        memcpy(&p, head + at, sizeof p);
        if (p.p_type == PT_INTERP) return true;
    }
    return false;
}

const char *watch_why_unseen(struct arena *a, const char *command) {
    const char *file = watch_find(a, command);
    unsigned char head[16384];
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    bool known = fd >= 0 && fstat(fd, &st) == 0;
    if (fd >= 0) close(fd);
    if (known && (st.st_mode & (S_ISUID | S_ISGID)))
        return arena_printf(a, "%s is setuid or setgid: the loader ignores LD_PRELOAD for such programs", file);
    if (n >= 2 && head[0] == '#' && head[1] == '!')
        return arena_printf(a,
                "%s is a script, and neither its interpreter nor what it started could be watched (static programs, a "
                "cleared environment?)",
                file);
    if (n < (ssize_t)sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0)
        return arena_printf(a, "%s is no ELF program", file);
    if (head[EI_CLASS] != ELFCLASS64 || head[18] != EM_X86_64)
        return arena_printf(a, "%s is a program for another machine", file);
    if (!watch_has_loader(head, (size_t)n))
        return arena_printf(a, "%s is linked statically: there is no loader that could preload the library", file);
    return arena_printf(
            a, "%s did not load the library (another C library than glibc, or its environment was cleared?)", file);
}

void watch_free(struct watch *w) {
    for (size_t i = 0; i < w->snapshots.n; i++)
        record_close(&w->snapshots.at[i]);
    vec_free(&w->snapshots);
}
