#include "unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "cfi.h"
#include "modules.h"
#include "real.h"

/* libunwind is opened privately: as a dependency of a preloaded library its `backtrace` would replace glibc's in the whole program. */
static __typeof__(&unw_init_local) init_local;
static __typeof__(&unw_step) step;
static __typeof__(&unw_get_reg) get_reg;
static __typeof__(&unw_is_signal_frame) is_signal_frame;
static __typeof__(&unw_get_proc_info) get_proc_info;
static int (*get_context)(unw_tdep_context_t *);
static struct tw_lock lock;
static bool usable;
uintptr_t tw_unwind_lib_start, tw_unwind_lib_end; /* where libunwind is mapped */

/*
 * libunwind probes memory by writing it to a pipe, and goes on using the two descriptor numbers after the program has closed them and opened its own
 * there. So it gets a pipe on the highest numbers that there are, and before each use we look whether they are still that pipe.
 */
static struct probe { int fd; uint64_t dev, ino; } probe[2] = {{-1, 0, 0}, {-1, 0, 0}};

static bool identify(struct probe *p, bool compare) {
    struct stat st;
    if (tw_sys(SYS_fstat, p->fd, &st) < 0) return false;
    if (compare) return p->dev == (uint64_t)st.st_dev && p->ino == (uint64_t)st.st_ino;
    p->dev = (uint64_t)st.st_dev;
    p->ino = (uint64_t)st.st_ino;
    return true;
}

static bool make_probe(int flags) {
    int fds[2];
    struct { uint64_t soft, hard; } limit = {1024, 1024};
    tw_sys(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, &limit);
    int high = limit.soft > 65536 ? 65520 : (int)limit.soft - 8;
    if (tw_sys(SYS_pipe2, fds, flags) < 0) return false;
    bool made = true;
    for (int i = 0; i < 2; i++) {
        long fd = tw_sys(SYS_fcntl, fds[i], F_DUPFD_CLOEXEC, probe[i].fd >= 0 ? probe[i].fd : high);
        if (probe[i].fd >= 0 && fd != probe[i].fd) { /* the number that libunwind knows is the program's now */
            if (fd >= 0) tw_sys(SYS_close, fd);
            fd = -1;
        }
        made &= fd >= 0;
        if (fd >= 0) probe[i].fd = (int)fd, made &= identify(&probe[i], false);
        tw_sys(SYS_close, fds[i]);
    }
    return made;
}

static bool probe_is_ours(void) {
    if (probe[0].fd < 0) return true; /* libunwind has not asked for one yet */
    if (identify(&probe[0], true) && identify(&probe[1], true)) return true;
    return make_probe(O_CLOEXEC | O_NONBLOCK);
}

TW_EXPORT int pipe2(int fds[2], int flags) {
    if (!tw_unwind_calls(TW_CALLER)) return TW_REAL(pipe2)(fds, flags);
    if (!make_probe(flags)) return -1;
    fds[0] = probe[0].fd;
    fds[1] = probe[1].fd;
    return 0;
}

enum { LIBUNWIND_SPAN = 64 * 1024 }; /* its text is smaller; what is mapped behind it never calls pipe2 */

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

void tw_unwind_init(void) {
    void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        tw_sys_say("twatch: libunwind.so.8 cannot be loaded: stacks have one frame\n");
        return;
    }
    *(void **)&init_local = dlsym(lib, TEXT(UNW_OBJ(init_local)));
    *(void **)&step = dlsym(lib, TEXT(UNW_OBJ(step)));
    *(void **)&get_reg = dlsym(lib, TEXT(UNW_OBJ(get_reg)));
    *(void **)&is_signal_frame = dlsym(lib, TEXT(UNW_OBJ(is_signal_frame)));
    *(void **)&get_proc_info = dlsym(lib, TEXT(UNW_OBJ(get_proc_info)));
    *(void **)&get_context = dlsym(lib, TEXT(UNW_ARCH_OBJ(getcontext)));
    Dl_info info;
    if (init_local && dladdr((void *)init_local, &info)) {
        tw_unwind_lib_start = (uintptr_t)info.dli_fbase;
        tw_unwind_lib_end = tw_unwind_lib_start + LIBUNWIND_SPAN;
    }
    usable = tw_unwind_lib_start && init_local && step && get_reg && is_signal_frame && get_proc_info && get_context;
}

/*
 * Held while libunwind runs. Its probe calls write, a cancellation point: a thread cancelled there would leave the lock and the guard behind. And it
 * blocks all signals around each step, two system calls a frame: they are blocked once around the whole stack instead, except those that a
 * fault raises.
 */
struct quiet {
    uint64_t signals;
    int cancel, error;
};
static __thread bool quiet_here __attribute__((tls_model("initial-exec")));

static void quiet_begin(struct quiet *q) {
    q->cancel = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &q->cancel);
    q->error = errno; /* libunwind makes system calls through libc */
    uint64_t all = ~(1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGTRAP - 1) | 1ull << (SIGILL - 1) | 1ull << (SIGFPE - 1));
    q->signals = 0;
    tw_sys(SYS_rt_sigprocmask, SIG_BLOCK, &all, &q->signals, sizeof all);
    tw_lock_take(&lock);
    quiet_here = true;
}

static void quiet_end(const struct quiet *q) {
    quiet_here = false;
    tw_lock_give(&lock);
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &q->signals, 0, sizeof q->signals);
    pthread_setcancelstate(q->cancel, NULL);
    errno = q->error;
}

bool tw_unwind_masks(uintptr_t caller) {
    return quiet_here && tw_unwind_calls(caller);
}

/* Stops at the thread's entry trampoline (ours, and libc below it), and before code that no module describes: libunwind would guess there. */
static void walk(struct tw_unwound *u, unw_cursor_t *cursor, uint32_t depth) {
    bool from_signal = false;
    u->cut = true;
    while (u->n < depth) {
        unw_word_t ip, sp;
        from_signal = is_signal_frame(cursor) > 0;
        if (step(cursor) <= 0) {
            u->cut = false;
            return;
        }
        if (get_reg(cursor, UNW_REG_IP, &ip) < 0 || get_reg(cursor, UNW_REG_SP, &sp) < 0 || ip == 0) {
            u->cut = false;
            return;
        }
        if (tw_modules_is_self(ip)) {
            u->cut = false;
            return;
        }
        u->pc[u->n] = ip;
        u->slot[u->n++] = from_signal ? 0 : sp - 8;
        if (!tw_modules_find(ip)) return;
    }
}

/* ---- without libunwind, while the frames are of the usual kind (cfi.c); only on the thread's own stack, whose end is known ---- */

static uintptr_t own_limit(uintptr_t sp) {
    const struct tw_thread *t = tw_self;
    return t && sp >= t->stack_lo && sp < t->stack_hi ? t->stack_hi : 0;
}

/* The frames from f on, like walk(). False: libunwind must do it from the start. */
static bool walk_quick(struct tw_unwound *u, struct tw_cfi_frame *f, uintptr_t limit, uint32_t depth, bool exact) {
    u->cut = true;
    for (; u->n < depth; exact = false) {
        enum tw_cfi kind = tw_cfi_step(f, limit, exact);
        if (kind == TW_CFI_OTHER) return false;
        u->cut = kind != TW_CFI_END && !tw_modules_is_self(f->pc);
        if (!u->cut) return true;
        u->pc[u->n] = f->pc;
        u->slot[u->n++] = f->sp - 8;
        if (!tw_modules_find(f->pc)) return true;
    }
    return true;
}

/* The frame of the caller; it must not be inlined. */
static __attribute__((noinline)) struct tw_cfi_frame frame_here(void) {
    return (struct tw_cfi_frame){(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa(), *(uintptr_t *)__builtin_frame_address(0)};
}

static bool from_quick(struct tw_unwound *u, struct tw_cfi_frame f, uintptr_t cfa, uint32_t depth) {
    uintptr_t limit = own_limit(cfa);
    for (int i = 0; limit && i < 64 && f.sp < cfa; i++)
        if (tw_cfi_step(&f, limit, false) != TW_CFI_FRAME) return false;
    if (!limit || f.sp != cfa) return false;
    u->pc[0] = f.pc;
    u->slot[0] = f.sp - 8;
    u->n = 1;
    return walk_quick(u, &f, limit, depth, false);
}

static bool again_quick(struct tw_unwound *u, struct tw_cfi_frame f, uintptr_t pc, uintptr_t cfa, uint32_t depth) {
    uintptr_t limit = own_limit(cfa);
    for (int i = 0; limit && i < 256 && f.sp < cfa; i++)
        if (tw_cfi_step(&f, limit, false) != TW_CFI_FRAME) return false;
    if (!limit || f.sp != cfa || !tw_cfi_same_function(f.pc, pc)) return false;
    u->pc[0] = pc;
    u->slot[0] = 0;
    u->n = 1;
    return walk_quick(u, &f, limit, depth, false);
}

/* ---- the entries ---- */

bool tw_unwind_from(struct tw_unwound *u, uintptr_t cfa, uint32_t depth) {
    u->n = 0;
    if (from_quick(u, frame_here(), cfa, depth)) return true;
    u->n = 0;
    if (!usable) return false;
    struct quiet quiet;
    unw_context_t context;
    unw_cursor_t cursor;
    bool found = false;
    quiet_begin(&quiet);
    get_context(&context);
    if (!probe_is_ours()) usable = false;
    if (usable && init_local(&cursor, &context) == 0) {
        for (int i = 0; i < 32 && !found && step(&cursor) > 0; i++) {
            unw_word_t ip = 0, sp = 0;
            if (get_reg(&cursor, UNW_REG_SP, &sp) < 0 || get_reg(&cursor, UNW_REG_IP, &ip) < 0 || sp > cfa) break;
            tw_modules_find(ip); /* libunwind is told of the engine's module, too */
            if (sp != cfa) continue;
            found = true;
            u->pc[0] = ip;
            u->slot[0] = sp - 8;
            u->n = 1;
        }
        if (found) walk(u, &cursor, depth);
    }
    quiet_end(&quiet);
    return found;
}

/* True if both addresses are of the function that the cursor stands in. */
static bool same_function(unw_cursor_t *cursor, uintptr_t pc) {
    unw_proc_info_t info;
    return get_proc_info(cursor, &info) == 0 && pc > info.start_ip && pc <= info.end_ip;
}

bool tw_unwind_again(struct tw_unwound *u, uintptr_t pc, uintptr_t cfa, uint32_t depth) {
    u->n = 0;
    if (again_quick(u, frame_here(), pc, cfa, depth)) return true;
    u->n = 0;
    if (!usable) return false;
    struct quiet quiet;
    unw_context_t context;
    unw_cursor_t cursor;
    bool found = false;
    quiet_begin(&quiet);
    get_context(&context);
    if (!probe_is_ours()) usable = false;
    if (usable && init_local(&cursor, &context) == 0) {
        for (int i = 0; i < 256 && step(&cursor) > 0; i++) {
            unw_word_t sp = 0;
            if (get_reg(&cursor, UNW_REG_SP, &sp) < 0 || sp > cfa) break;
            if (sp != cfa || !same_function(&cursor, pc)) continue;
            found = true;
            u->pc[0] = pc;
            u->slot[0] = 0;
            u->n = 1;
            walk(u, &cursor, depth);
            break;
        }
    }
    quiet_end(&quiet);
    return found;
}

bool tw_unwind_regs(struct tw_unwound *u, const struct tw_stack_regs *regs, uint32_t depth) {
    struct tw_cfi_frame f = {regs->rip, regs->rsp, regs->rbp};
    uintptr_t limit = own_limit(regs->rsp);
    u->pc[0] = regs->rip;
    u->slot[0] = 0;
    u->n = 1;
    if (limit && walk_quick(u, &f, limit, depth, true)) return true;
    u->n = 0;
    if (!usable) return false;
    struct quiet quiet;
    unw_context_t context;
    unw_cursor_t cursor;
    quiet_begin(&quiet);
    get_context(&context); /* the floating-point part must be plausible; the rest is replaced */
    greg_t *r = context.uc_mcontext.gregs;
    r[REG_RBX] = (greg_t)regs->rbx, r[REG_RBP] = (greg_t)regs->rbp, r[REG_R12] = (greg_t)regs->r12, r[REG_R13] = (greg_t)regs->r13;
    r[REG_R14] = (greg_t)regs->r14, r[REG_R15] = (greg_t)regs->r15, r[REG_RSP] = (greg_t)regs->rsp, r[REG_RIP] = (greg_t)regs->rip;
    if (!probe_is_ours()) usable = false;
    if (usable && init_local(&cursor, &context) == 0) {
        u->pc[0] = regs->rip;
        u->slot[0] = 0;
        u->n = 1;
        walk(u, &cursor, depth);
    }
    quiet_end(&quiet);
    return u->n > 0;
}

void tw_unwind_hold(void) { tw_lock_take(&lock); }
void tw_unwind_release(void) { tw_lock_give(&lock); }

/* A raw fork may have caught another thread inside libunwind: its data may be half changed, so the child does without. */
void tw_unwind_forked(void) {
    if (lock.word != 0) usable = false;
    lock = (struct tw_lock){0};
}
