/*
 * Two processes, because execve sets the signal that a process sends its parent at its end back to SIGCHLD
 * (begin_new_exec in the kernel's fs/exec.c):
 *
 *     caller --clone(VM, no signal)--> middle --clone(VM|VFORK)--> grandchild --execve--> program
 *
 * The middle one never calls execve: it is a "clone child" (clone(2), wait(2)), which waits without __WALL or __WCLONE
 * pass over. It waits for the program and leaves the status in shared memory. Nothing is copied (CLONE_VM), so it works
 * when memory has run out.
 */
#include "launch.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { STACK = 16 * 1024, SIGNALS = 64 };
static char middle_stack[STACK] __attribute__((aligned(64)));
static char last_stack[STACK] __attribute__((aligned(64)));

static struct job {
    struct tw_launch what;
    long error; /* of clone or execve, -errno */
    long pid;   /* of the program */
    int status; /* as wait4 gives it */
    uint32_t done;
} job;
static struct tw_lock lock;
static bool stuck; /* children of an earlier call are still there and use all this */

struct kernel_sigaction { /* as the kernel has it; libc's differs */
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

/* clone(2) with a function to run on a stack of its own; the process ends when it returns. */
static long start(unsigned long flags, char *stack, int (*run)(void *), void *arg) {
    uintptr_t *sp = (uintptr_t *)(void *)(stack + STACK);
    *--sp = (uintptr_t)run;
    *--sp = (uintptr_t)arg;
    long r;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile("syscall\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rdi\n\t"
                     "pop %%rax\n\t"
                     "call *%%rax\n\t"
                     "mov %%eax, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(r)
                     : "a"(SYS_clone), "D"(flags), "S"(sp), "d"(0), "r"(r10), "r"(r8), [exit] "i"(SYS_exit_group)
                     : "rcx", "r11", "memory");
    return r;
}

/* The handlers are the watched program's code: they must be gone before a signal can arrive. */
static void reset_signals(void) {
    for (int sig = 1; sig <= SIGNALS; sig++) {
        struct kernel_sigaction a;
        if (tw_sys(SYS_rt_sigaction, sig, 0, &a, sizeof a.mask) < 0 || (uintptr_t)a.handler <= 1) continue;
        tw_sys_zero(&a, sizeof a);
        tw_sys(SYS_rt_sigaction, sig, &a, 0, sizeof a.mask);
    }
    uint64_t none = 0;
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
}

/* The program may have set itself limits that it has used up. */
static void raise_limits(void) {
    static const int kinds[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_STACK};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct rlimit l;
        if (tw_sys(SYS_prlimit64, 0, kinds[i], 0, &l) < 0) continue;
        if (kinds[i] == RLIMIT_STACK && l.rlim_cur >= (8u << 20)) continue;
        l.rlim_cur = l.rlim_max;
        if (kinds[i] == RLIMIT_STACK && l.rlim_cur > (8u << 20)) l.rlim_cur = 8u << 20;
        if (kinds[i] == RLIMIT_NOFILE && l.rlim_cur > 4096) l.rlim_cur = 4096;
        tw_sys(SYS_prlimit64, 0, kinds[i], &l, 0);
    }
}

static void set_descriptors(void) {
    if (tw_sys(SYS_close_range, 3, ~0u, 0) < 0)
        for (int fd = 3; fd < 4096; fd++)
            tw_sys(SYS_close, fd); /* before Linux 5.9 */
    tw_sys(SYS_close, 0);
    tw_sys(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR); /* becomes 0, the lowest free one */
    if (tw_sys(SYS_fcntl, 2, F_GETFD) < 0) tw_sys(SYS_dup2, 0, 2);
    tw_sys(SYS_dup2, 2, 1);
}

static int run_program(void *arg) {
    struct job *j = arg;
    reset_signals();
    set_descriptors();
    raise_limits();
    j->error = tw_sys(SYS_execve, j->what.path, j->what.argv, j->what.envp);
    return 127;
}

static int run_middle(void *arg) {
    struct job *j = arg;
    long pid = start(CLONE_VM | CLONE_VFORK | SIGCHLD, last_stack, run_program, j);
    if (pid < 0) {
        j->error = pid;
    } else {
        __atomic_store_n(&j->pid, pid, __ATOMIC_RELEASE);
        while (tw_sys(SYS_wait4, pid, &j->status, 0, 0) == -4 /* EINTR */)
            continue;
    }
    __atomic_store_n(&j->done, 1, __ATOMIC_RELEASE);
    tw_sys(SYS_futex, &j->done, FUTEX_WAKE_PRIVATE, 1);
    return 0;
}

/* True when the middle process has ended. It is looked at every 50 ms too, should somebody kill it. */
static bool wait_done(long middle, uint64_t until) {
    for (;;) {
        struct {
            long s, ns;
        } step = {0, 50000000};
        if (!__atomic_load_n(&job.done, __ATOMIC_ACQUIRE)) tw_sys(SYS_futex, &job.done, FUTEX_WAIT_PRIVATE, 0, &step);
        bool done = __atomic_load_n(&job.done, __ATOMIC_ACQUIRE) != 0;
        long got = tw_sys(SYS_wait4, middle, 0, __WALL | (done ? 0 : WNOHANG), 0);
        if (got == middle || got == -10 /* ECHILD: somebody reaped it with __WALL */) return true;
        if (!done && tw_sys_now() >= until) return false;
    }
}

static int run_locked(void) {
    long middle = start(CLONE_VM, middle_stack, run_middle, &job);
    if (middle < 0) return TW_LAUNCH_FAILED;
    if (!wait_done(middle, tw_sys_now() + job.what.limit_ns)) {
        stuck = true;
        if (!job.what.kill) return TW_LAUNCH_LATE;
        long pid = __atomic_load_n(&job.pid, __ATOMIC_ACQUIRE);
        tw_sys(SYS_kill, pid > 0 ? pid : middle, SIGKILL);
        stuck = !wait_done(middle, tw_sys_now() + 2000000000u);
        return TW_LAUNCH_LATE;
    }
    if (job.error < 0 || !job.done) return TW_LAUNCH_FAILED;
    return WIFEXITED(job.status) ? WEXITSTATUS(job.status) : 128 + WTERMSIG(job.status);
}

int tw_launch(const struct tw_launch *s) {
    uint64_t all = ~0ull, before;
    tw_lock_take(&lock);
    if (!stuck) job = (struct job){.what = *s};
    /* The children begin with this mask: a handler of the program must not run in them. */
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    int rc = stuck ? TW_LAUNCH_FAILED : run_locked();
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
    tw_lock_give(&lock);
    return rc;
}

void tw_launch_forked(void) {
    lock = (struct tw_lock){0};
    stuck = false;
}
