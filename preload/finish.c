#include "finish.h"

#include "interval.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "config.h"
#include "held.h"
#include "real.h"
#include "launch.h"
#include "race_sample.h"
#include "spurious.h"
#include "stack.h"
#include "unseen.h"

enum { EXIT_LIMIT_S = 20, STATUS_FINDINGS = 66, ENVIRONMENT = 1024 };

static char **environment; /* the array that the process began with; it stays readable whatever setenv does */
static char analyzer[4096];
static bool secure, analyzed;
static struct {
    uint32_t end, end_text;
    uint64_t end_ns;
} before; /* for tw_finish_undo */

bool tw_finish_is_ours(void) {
    return tw_live->on && tw_header->pid == (int32_t)tw_sys(SYS_getpid);
}

/* ---- start ---- */

static const char *variable(char **envp, const char *name) {
    size_t n = tw_sys_length(name);
    for (; envp && *envp; envp++)
        if (tw_sys_equal(*envp, name, n) && (*envp)[n] == '=') return *envp + n + 1;
    return NULL;
}

/* One write, so that lines of processes that start at the same time do not mix. */
static void say_seen(const char *path) {
    static char line[4096 + 32];
    static char exe[4096];
    long n = tw_sys(SYS_readlink, "/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    size_t length = tw_sys_format(line, sizeof line, "%u %s\n", (uint64_t)tw_header->pid, exe);
    int fd = (int)tw_sys(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return;
    tw_sys(SYS_write, fd, line, length);
    tw_sys(SYS_close, fd);
}

/* follow=off: the programs that this one starts shall not load the library. Cuts our name out of LD_PRELOAD in place:
 * it only gets shorter. */
static void leave_children_alone(char **envp) {
    char *list = (char *)(uintptr_t)variable(envp, "LD_PRELOAD");
    if (!list) return;
    char *out = list;
    for (char *in = list; *in;) {
        size_t length = 0, base = 0;
        while (in[length] && in[length] != ':' && in[length] != ' ') {
            length++;
            if (in[length - 1] == '/') base = length;
        }
        static const char own[] = "libtwatch.so";
        bool ours = length - base == sizeof own - 1 && tw_sys_equal(in + base, own, sizeof own - 1);
        if (!ours && length > 0) {
            if (out != list) *out++ = ':';
            for (size_t i = 0; i < length; i++)
                *out++ = in[i];
        }
        in += length;
        if (*in) in++;
    }
    *out = 0;
}

/* The directory of this library, absolute: the program may go elsewhere. */
static void find_analyzer(void) {
    const char *given = tw_config_text(TW_OPTION_analyzer);
    Dl_info self;
    const char *path = given;
    if (!given[0]) {
        if (!dladdr((void *)(uintptr_t)tw_finish_init, &self) || !self.dli_fname) return;
        path = self.dli_fname;
    }
    size_t n = 0;
    if (path[0] != '/') {
        long got = tw_sys(SYS_getcwd, analyzer, sizeof analyzer / 2);
        if (got <= 0) return;
        n = (size_t)got - 1;
        analyzer[n++] = '/';
    }
    n += tw_sys_format(analyzer + n, sizeof analyzer - n, "%s", path);
    if (given[0]) return;
    while (n > 0 && analyzer[n - 1] != '/')
        n--;
    tw_sys_format(analyzer + n, sizeof analyzer - n, "twatch");
}

static void at_exit(int status, void *arg);

void tw_finish_init(char **envp) {
    environment = envp;
    secure = getauxval(AT_SECURE) != 0;
    find_analyzer();
    const char *seen = secure ? NULL : variable(envp, "TWATCH_SEEN");
    if (seen && seen[0]) {
        tw_header->flags |= TWATCH_HDR_UNDER_RUN;
        say_seen(seen);
        tw_unseen_init(seen);
        tw_store_failed = tw_unseen_self;
    }
    if (!TW_CONFIG(follow)) leave_children_alone(envp);
    /* The first handler that is registered runs last, after those of the program and its C++ destructors; unlike a
     * destructor it learns the status. */
    on_exit(at_exit, NULL);
}

/* ---- the analyzer ---- */

static char *const *environment_for_analyzer(void) {
    static char *list[ENVIRONMENT];
    size_t n = 0;
    for (char **e = environment; e && *e && n + 1 < ENVIRONMENT; e++) {
        static const char *const drop[] = {"LD_PRELOAD=", "LD_AUDIT=", "LD_LIBRARY_PATH=", "TWATCH_SEEN="};
        bool keep = true;
        for (size_t i = 0; i < sizeof drop / sizeof drop[0]; i++)
            if (tw_sys_equal(*e, drop[i], tw_sys_length(drop[i]))) keep = false;
        if (keep) list[n++] = *e;
    }
    list[n] = NULL;
    return list;
}

int tw_finish_analyze(const char *const *arguments, uint64_t limit_ns, bool kill) {
    const char *argv[10] = {analyzer};
    size_t n = 1;
    while (*arguments && n < 9)
        argv[n++] = *arguments++;
    if (!analyzer[0] || secure) return TW_LAUNCH_FAILED;
    return tw_launch(&(struct tw_launch){
            .path = analyzer, .argv = argv, .envp = environment_for_analyzer(), .limit_ns = limit_ns, .kill = kill});
}

static bool report_wanted(void) {
    return TW_CONFIG(report) && tw_store_has_file() && !(tw_header->flags & TWATCH_HDR_UNDER_RUN) && !secure;
}

/* Writes <record>.txt. True: there are findings. */
static bool write_report(void) {
    static char output[4096 + 32];
    tw_sys_format(output, sizeof output, "--output=%s.txt", tw_store_path());
    const char *arguments[] = {"report", "--auto", output, tw_store_path(), NULL};
    int rc = tw_finish_analyze(arguments, EXIT_LIMIT_S * 1000000000ull, false);
    if (rc == TW_LAUNCH_FAILED || rc == 127)
        tw_sys_say("twatch: cannot start %s: no report, but the record is in %s\n",
                analyzer[0] ? analyzer : "the analyzer", tw_store_path());
    else if (rc == TW_LAUNCH_LATE)
        tw_sys_say("twatch: the report takes long; it will be in %s.txt\n", tw_store_path());
    return rc == STATUS_FINDINGS;
}

/* ---- the end ---- */

/* The number of the system call that a thread sleeps in, as the kernel says in /proc; -1: it runs, or there is no /proc. */
static int call_of(int32_t tid) {
    char path[64], text[16] = {0};
    tw_sys_format(path, sizeof path, "/proc/self/task/%u/syscall", (uint64_t)(uint32_t)tid);
    long fd = tw_sys(SYS_open, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    long n = tw_sys(SYS_read, fd, text, sizeof text - 1);
    tw_sys(SYS_close, fd);
    int number = 0;
    if (n <= 0 || text[0] < '0' || text[0] > '9') return -1;
    for (const char *p = text; *p >= '0' && *p <= '9'; p++)
        number = number * 10 + (*p - '0');
    return number;
}

static bool is_one_of(int call, const int *calls, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (calls[i] == call) return true;
    return false;
}

/* One that waits for input is idle, which one that waits for time to pass need not be. */
static bool listens(int call) {
    static const int calls[] = {SYS_epoll_wait, SYS_epoll_pwait, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
            SYS_accept, SYS_accept4, SYS_recvfrom, SYS_recvmsg, SYS_io_getevents, SYS_rt_sigtimedwait};
    return is_one_of(call, calls, sizeof calls / sizeof calls[0]);
}

/* Inside a call that writes to a regular file: libc was called for it, and the thread runs or sleeps in the kernel's part of it. */
static bool writes_file(const struct twatch_thread *d, int call) {
    static const int calls[] = {-1, SYS_write, SYS_pwrite64, SYS_writev, SYS_pwritev, SYS_pwritev2};
    const struct tw_thread *t = tw_thread_private(d->slot);
    struct stat what;
    return t && t->writing > 0 && is_one_of(call, calls, sizeof calls / sizeof calls[0]) &&
           tw_sys(SYS_fstat, t->writing - 1, &what) == 0 && S_ISREG(what.st_mode);
}

/* Processor time of a live thread (tid > 0) or of the process (0); the clock's number as in the kernel's posix-timers.h. */
static uint64_t cpu_of(int32_t tid) {
    struct {
        long s, ns;
    } cpu = {0, 0};
    uint32_t clock = tid > 0 ? ~(uint32_t)tid << 3 | 6u : 2u /* CLOCK_PROCESS_CPUTIME_ID */;
    if (tw_sys(SYS_clock_gettime, (int32_t)clock, &cpu) < 0) return 0;
    return (uint64_t)cpu.s * 1000000000u + (uint64_t)cpu.ns;
}

static void end_threads(void) {
    enum { LOOKED_AT = 500 }; /* some microseconds each */
    int looked = 0, self = tw_sys_tid();
    for (uint32_t id = 1; id <= tw_header->nthreads; id++) {
        struct twatch_thread *d = tw_thread_desc(id);
        uint32_t running = TWATCH_THREAD_RUNNING;
        if (!d || !__atomic_compare_exchange_n(
                          &d->end, &running, TWATCH_THREAD_PROCESS, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        if (d->tid <= 0 || looked++ >= LOOKED_AT) continue;
        const struct tw_thread *t = tw_thread_private(d->slot);
        if (t && t->id == id) tw_interval_at_end(t);
        d->cpu_ns = cpu_of(d->tid);
        if (d->tid == self) continue;
        int call = call_of(d->tid);
        uint32_t flags = listens(call) ? TWATCH_THREAD_LISTENING : writes_file(d, call) ? TWATCH_THREAD_WRITING : 0;
        if (flags) __atomic_fetch_or(&d->flags, flags, __ATOMIC_RELAXED);
    }
}

static void store_end(struct tw_thread *t, const struct tw_finish *f) {
    struct twatch_header *h = tw_header;
    before.end = h->end, before.end_ns = h->end_ns, before.end_text = h->end_text;
    h->end_code = f->code;
    h->end_thread = t ? t->id : 0;
    h->end_stack = t ? tw_stack_here(t, f->pc, f->cfa) : 0;
    if (f->text) h->end_text = tw_store_string(f->text, tw_sys_length(f->text));
    h->end_ns = h->alive_ns = tw_sys_now();
    h->cpu_ns = cpu_of(0);
    tw_interval_idle(true);
    __atomic_store_n(&h->end, f->end, __ATOMIC_RELEASE);
    for (uint32_t i = 0; t && i < t->slot->nheld; i++)
        if (t->held[i].address) tw_held_resolve(t, &t->held[i]), tw_held_stack(t, &t->held[i]);
    if (f->end != TWATCH_END_EXEC) end_threads();
}

int tw_finish(const struct tw_finish *f) {
    if (!tw_finish_is_ours()) return f->code;
    if (f->end != TWATCH_END_EXEC) {
        tw_spurious_at_end();
        tw_sample_at_end();
    }
    struct tw_thread *t = tw_enter();
    if (!t && !(tw_self && tw_self->ended))
        return f->code; /* a handler that interrupted recording: the state may be half written */
    store_end(t, f);
    bool findings = false;
    if (!__atomic_exchange_n(&analyzed, true, __ATOMIC_ACQ_REL) && report_wanted()) findings = write_report();
    if (t) tw_leave(t);
    int status = (int)TW_CONFIG(exitcode);
    return findings && status != 0 ? status : f->code;
}

void tw_finish_forked(void) {
    analyzed = false;
    tw_launch_forked();
}

void tw_finish_undo(void) {
    if (!tw_finish_is_ours()) return;
    analyzed = false;
    tw_header->end = before.end;
    tw_header->end_ns = before.end_ns;
    tw_header->end_text = before.end_text;
    tw_header->end_thread = tw_header->end_stack = 0;
    tw_header->end_code = 0;
}

/* exit() and return from main. Calling exit again from a handler makes glibc go on with the remaining handlers and end
 * with the new status. */
static void at_exit(int status, void *arg) {
    (void)arg;
    int code = tw_finish(
            &(struct tw_finish){.end = TWATCH_END_EXIT, .code = status & 0xff, .pc = TW_CALLER, .cfa = TW_CFA});
    if (code != (status & 0xff)) exit(code);
}
