#include "unseen.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "sys.h"

/* The caller may be a vfork child or have a small stack: some 4 KiB in all, and only under `twatch run`. Longer names
 * are not noted. */
enum { PATHS = 1024, HEAD = 1024 };

static char seen[256]; /* of our own: programs that change their title write over the environment */

void tw_unseen_init(const char *path) {
    size_t n = path ? tw_sys_length(path) : 0;
    if (n < sizeof seen && TW_CONFIG(follow)) tw_sys_format(seen, sizeof seen, "%s", path ? path : "");
}

/* ---- the environment ---- */

static const char *variable(char *const *envp, const char *name) {
    size_t n = tw_sys_length(name);
    for (; envp && *envp; envp++)
        if (tw_sys_equal(*envp, name, n) && (*envp)[n] == '=') return *envp + n + 1;
    return NULL;
}

static bool loads_us(char *const *envp) {
    static const char own[] = "libtwatch.so";
    const char *list = variable(envp, "LD_PRELOAD");
    if (!list || !variable(envp, "TWATCH_SEEN")) return false;
    for (size_t i = 0, n = tw_sys_length(list); i + sizeof own - 1 <= n; i++)
        if (tw_sys_equal(list + i, own, sizeof own - 1)) return true;
    return false;
}

/* ---- the file ---- */

static bool runnable(const char *path) {
    return tw_sys(SYS_faccessat, AT_FDCWD, path, X_OK) == 0;
}

/* The one that exec will take; false: none, and exec will fail. */
static bool find(const struct tw_unseen *what, char *path) {
    const char *name = what->program;
    bool search = what->search;
    for (const char *p = name; *p; p++)
        search &= *p != '/';
    if (tw_sys_length(name) >= PATHS / 2 || !*name) return false;
    if (!search) {
        tw_sys_format(path, PATHS, "%s", name);
        return runnable(path);
    }
    const char *p = variable(environ, "PATH");
    if (!p) p = "/bin:/usr/bin";
    for (;;) {
        size_t n = 0;
        while (p[n] && p[n] != ':')
            n++;
        if (n < PATHS / 2) {
            for (size_t i = 0; i < n; i++)
                path[i] = p[i];
            tw_sys_format(path + n, PATHS - n, "%s%s", n ? "/" : "", name);
            if (runnable(path)) return true;
        }
        if (!p[n]) return false;
        p += n + 1;
    }
}

/* The loader drops LD_PRELOAD when the program gets rights that its starter has not (ld.so(8), secure execution). */
static bool gains_rights(int fd) {
    struct stat st;
    char capability[32];
    unsigned uid = (unsigned)tw_sys(SYS_getuid), gid = (unsigned)tw_sys(SYS_getgid);
    if (tw_sys(SYS_fstat, fd, &st) != 0) return false;
    if (st.st_mode & S_ISUID && st.st_uid != uid) return true;
    if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != gid) return true;
    return uid != 0 && tw_sys(SYS_fgetxattr, fd, "security.capability", capability, sizeof capability) > 0;
}

/* No interpreter is named: nothing loads libraries. The loader itself, started as a program, names none either. */
static bool is_static(const char *head, size_t n, const char *path) {
    const Elf64_Ehdr *e = (const void *)head;
    const char *base = path;
    for (const char *p = path; *p; p++)
        if (*p == '/') base = p + 1;
    if (n < sizeof *e || !tw_sys_equal(head, ELFMAG, SELFMAG) || e->e_ident[EI_CLASS] != ELFCLASS64) return false;
    if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phoff > n || (n - e->e_phoff) / sizeof(Elf64_Phdr) < e->e_phnum)
        return false; /* not in what was read: no claim */
    if (tw_sys_equal(base, "ld-linux", 8) || tw_sys_equal(base, "ld.so", 5)) return false;
    const Elf64_Phdr *p = (const void *)(head + e->e_phoff);
    for (unsigned i = 0; i < e->e_phnum; i++)
        if (p[i].p_type == PT_INTERP) return false;
    return true;
}

/* The interpreter of a script, in place: the word behind #!. */
static char *interpreter(char *head, size_t n) {
    if (n < 3 || head[0] != '#' || head[1] != '!') return NULL;
    size_t from = 2, to;
    while (head[from] == ' ' || head[from] == '\t')
        from++;
    for (to = from; head[to] && head[to] != ' ' && head[to] != '\t' && head[to] != '\n'; to++)
        continue;
    head[to] = 0;
    return to > from ? head + from : NULL;
}

static TW_NOINLINE const char *why_of_file(const char *path, bool script) {
    char head[HEAD] __attribute__((aligned(8)));
    long fd = tw_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return NULL;
    long n = tw_sys(SYS_read, fd, head, sizeof head - 1);
    bool rights = !script && gains_rights((int)fd);
    tw_sys(SYS_close, fd);
    if (n <= 0) return NULL;
    head[n] = 0;
    char *next = script ? NULL : interpreter(head, (size_t)n);
    if (next) return why_of_file(next, true); /* a script's own bits give no rights */
    return rights ? "setuid" : is_static(head, (size_t)n, path) ? "static" : NULL;
}

/* ---- the lines ---- */

/* In one write, so that lines of several processes do not mix. */
static TW_NOINLINE void write_line(int pid, const char *mark, const char *why, const char *program) {
    char line[PATHS / 2 + 64];
    size_t n = tw_sys_format(line, sizeof line - 1, "%u %s%s %s", (uint64_t)(uint32_t)pid, mark, why, program);
    for (size_t i = 0; i < n; i++)
        if (line[i] == '\n') line[i] = '?';
    line[n++] = '\n';
    long fd = tw_sys(SYS_openat, AT_FDCWD, seen, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return;
    tw_sys(SYS_write, fd, line, n);
    tw_sys(SYS_close, fd);
}

static TW_NOINLINE const char *why(const struct tw_unseen *what) {
    char path[PATHS];
    if (!what->program || !find(what, path)) return NULL;
    return loads_us(what->envp) ? why_of_file(path, false) : "cleared";
}

bool tw_unseen_exec(const struct tw_unseen *what) {
    const char *reason = seen[0] ? why(what) : NULL;
    if (reason) write_line((int)tw_sys(SYS_getpid), "- ", reason, what->program);
    return reason != NULL;
}

void tw_unseen_undo(const struct tw_unseen *what, bool noted) {
    if (noted) write_line((int)tw_sys(SYS_getpid), "+", "", what->program);
}

void tw_unseen_spawned(const struct tw_unseen *what, int pid) {
    const char *reason = seen[0] ? why(what) : NULL;
    if (reason) write_line(pid, "- ", reason, what->program);
}

void tw_unseen_self(void) {
    char exe[PATHS / 2];
    if (!seen[0]) return;
    long n = tw_sys(SYS_readlink, "/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    write_line((int)tw_sys(SYS_getpid), "- ", "unrecorded", exe);
}
