/*
 * Process life: fork, exec, the ways to end that pass by the exit handlers, and what the loader is asked. vfork is not
 * wrapped: its child runs on the caller's stack, so no frame may stand between; what the child then calls is recognised
 * by its process id and left alone. system needs nothing.
 */
#include <alloca.h>
#include <stdarg.h>

#include "finish.h"
#include "inherit.h"
#include "modules.h"
#include "race/hooks.h"
#include "race_sample.h"
#include "real.h"
#include "unseen.h"
#include "unwind.h"

/* ---- fork ---- */

/*
 * libunwind's own data must be at rest in the child. These handlers are registered before all others, so the first one
 * runs last before the fork and the second first after it: no handler of the program runs, and records, in between.
 */
static __thread bool unwinder_held;

static void before_clone(void) {
    struct tw_thread *t = tw_self;
    if (!t || t->busy || !tw_live->on)
        return; /* fork in a signal handler that interrupted recording, maybe unwinding */
    t->busy = 1;
    tw_unwind_hold();
    unwinder_held = true;
}

static void after_clone(void) {
    if (!unwinder_held) return;
    unwinder_held = false;
    tw_unwind_release();
    tw_self->busy = 0;
}

void tw_process_init(void) {
    pthread_atfork(before_clone, after_clone, after_clone);
}

TW_EXPORT pid_t fork(void) {
    uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_thread *t = tw_self ? tw_enter() : NULL;
    if (t) {
        tw_inherit_before_fork(t, pc, cfa);
        tw_leave(t);
    }
    /* The child starts a record of its own at its first recorded call (tw_enter_slow): one that only calls exec pays
     * nothing. */
    return TW_REAL(fork)();
}

/* ---- the ends ---- */

TW_EXPORT void _exit(int status) {
    TW_REAL(_exit)
    (tw_finish(&(struct tw_finish){.end = TWATCH_END_FAST, .code = status & 0xff, .pc = TW_CALLER, .cfa = TW_CFA}));
    __builtin_unreachable();
}

TW_EXPORT void _Exit(int status) {
    TW_REAL(_Exit)
    (tw_finish(&(struct tw_finish){.end = TWATCH_END_FAST, .code = status & 0xff, .pc = TW_CALLER, .cfa = TW_CFA}));
    __builtin_unreachable();
}

TW_EXPORT void quick_exit(int status) {
    TW_REAL(quick_exit)
    (tw_finish(&(struct tw_finish){.end = TWATCH_END_FAST, .code = status & 0xff, .pc = TW_CALLER, .cfa = TW_CFA}));
    __builtin_unreachable();
}

/* A handler for SIGABRT may jump out of it: the record then goes on, and its next end replaces this one. */
TW_EXPORT void abort(void) {
    tw_finish(&(struct tw_finish){.end = TWATCH_END_ABORT, .code = 6 /* SIGABRT */, .pc = TW_CALLER, .cfa = TW_CFA});
    TW_REAL(abort)();
    __builtin_unreachable();
}

/* ---- exec ---- */

struct exec {
    struct tw_unseen unseen;
    uintptr_t pc, cfa;
    bool noted;
};

static void before_exec(struct exec *x) {
    const char *program = x->unseen.program;
    x->noted = tw_unseen_exec(&x->unseen);
    tw_sample_pause(); /* a trap that is on its way would find no handler in the new program */
    tw_finish(&(struct tw_finish){.end = TWATCH_END_EXEC, .text = program ? program : "", .pc = x->pc, .cfa = x->cfa});
}

static void after_exec(const struct exec *x) {
    tw_finish_undo();
    tw_unseen_undo(&x->unseen, x->noted);
}

#define EXEC(program_, envp_, search_)                                                                                 \
    { .unseen = {.program = (program_), .envp = (envp_), .search = (search_)}, .pc = TW_CALLER, .cfa = TW_CFA }

/* Each real call returns only when it has failed; errno is not touched on the way out. */

TW_EXPORT int execve(const char *path, char *const argv[], char *const envp[]) {
    struct exec x = EXEC(path, envp, false);
    before_exec(&x);
    int rc = TW_REAL(execve)(path, argv, envp);
    after_exec(&x);
    return rc;
}

TW_EXPORT int execv(const char *path, char *const argv[]) {
    struct exec x = EXEC(path, environ, false);
    before_exec(&x);
    int rc = TW_REAL(execv)(path, argv);
    after_exec(&x);
    return rc;
}

TW_EXPORT int execvp(const char *file, char *const argv[]) {
    struct exec x = EXEC(file, environ, true);
    before_exec(&x);
    int rc = TW_REAL(execvp)(file, argv);
    after_exec(&x);
    return rc;
}

TW_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]) {
    struct exec x = EXEC(file, envp, true);
    before_exec(&x);
    int rc = TW_REAL(execvpe)(file, argv, envp);
    after_exec(&x);
    return rc;
}

TW_EXPORT int fexecve(int fd, char *const argv[], char *const envp[]) {
    char path[64];
    tw_sys_format(path, sizeof path, "/proc/self/fd/%u", (uint64_t)(uint32_t)fd);
    struct exec x = EXEC(path, envp, false);
    before_exec(&x);
    int rc = TW_REAL(fexecve)(fd, argv, envp);
    after_exec(&x);
    return rc;
}

/* The list forms call the others inside libc, past these wrappers. Their arguments are copied to the stack: a vfork
 * child may be the caller. */

static size_t count_list(const char *first, va_list args) {
    size_t n = 1;
    if (!first) return n;
    while (va_arg(args, char *))
        n++;
    return n + 1;
}

static void copy_list(char **argv, const char *first, va_list args) {
    *argv++ = (char *)(uintptr_t)first;
    while (first && (*argv++ = va_arg(args, char *)) != NULL)
        continue;
}

#define LIST(argv, first, last)                                                                                        \
    va_list list;                                                                                                      \
    va_start(list, last);                                                                                              \
    size_t n = count_list(first, list);                                                                                \
    va_end(list);                                                                                                      \
    char **argv = alloca(n * sizeof *argv);                                                                            \
    va_start(list, last);                                                                                              \
    copy_list(argv, first, list)

TW_EXPORT int execl(const char *path, const char *arg, ...) {
    LIST(argv, arg, arg);
    va_end(list);
    struct exec x = EXEC(path, environ, false);
    before_exec(&x);
    int rc = TW_REAL(execv)(path, argv);
    after_exec(&x);
    return rc;
}

TW_EXPORT int execlp(const char *file, const char *arg, ...) {
    LIST(argv, arg, arg);
    va_end(list);
    struct exec x = EXEC(file, environ, true);
    before_exec(&x);
    int rc = TW_REAL(execvp)(file, argv);
    after_exec(&x);
    return rc;
}

TW_EXPORT int execle(const char *path, const char *arg, ...) {
    LIST(argv, arg, arg);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    struct exec x = EXEC(path, envp, false);
    before_exec(&x);
    int rc = TW_REAL(execve)(path, argv, envp);
    after_exec(&x);
    return rc;
}

/* libc starts the program without passing by the wrappers above; the new process is its own record's business. */

TW_EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *restrict attr, char *const argv[restrict], char *const envp[restrict]) {
    pid_t child = 0;
    int rc = TW_REAL(posix_spawn)(&child, path, actions, attr, argv, envp);
    if (rc == 0) tw_unseen_spawned(&(struct tw_unseen){.program = path, .envp = envp}, child);
    if (rc == 0 && pid) *pid = child;
    return rc;
}

TW_EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *restrict attr, char *const argv[restrict], char *const envp[restrict]) {
    pid_t child = 0;
    int rc = TW_REAL(posix_spawnp)(&child, file, actions, attr, argv, envp);
    if (rc == 0) tw_unseen_spawned(&(struct tw_unseen){.program = file, .envp = envp, .search = true}, child);
    if (rc == 0 && pid) *pid = child;
    return rc;
}

/* ---- the loader ---- */

TW_EXPORT int dlclose(void *handle) {
    int rc = TW_REAL(dlclose)(handle);
    struct tw_thread *t = rc == 0 ? tw_enter() : NULL;
    if (t) {
        tw_modules_rescan();
        tw_leave(t);
    }
    return rc;
}

/* libunwind asks it inside the guard, when the program may be anywhere: the answer comes from our own table, without
 * the loader's lock. */
TW_EXPORT int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *, size_t, void *), void *data) {
    const struct tw_thread *t = tw_self;
    if (t && t->busy && !t->ended) return tw_modules_iterate(callback, data);
    return TW_REAL(dl_iterate_phdr)(callback, data);
}
