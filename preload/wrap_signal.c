/*
 * Signal handlers. With the race engine on, a signal may interrupt a copy of the program's code: the handler must be
 * shown the original program counter, the registers that a check has put aside must survive the handler's own checks,
 * and a fault on shadow memory that is not mapped yet is the engine's to mend. So handlers are installed behind one of
 * ours, from the start (the engine may come later than a handler), unless races are off. A handler also sees what the
 * sender did before pthread_kill, kill, sigqueue and raise.
 *
 * The kernel stays the authority on what is installed: a query answers from our table only where the kernel names our
 * handler.
 */
#include "wrap_signal.h"
#include "config.h"
#include "hands.h"
#include "race/hooks.h"
#include "race_sample.h"
#include "real.h"
#include "thread.h"
#include "unwind.h"
#include <linux/futex.h>
#include <ucontext.h>

enum { SIGNALS = 65 };

static struct sigaction program[SIGNALS]; /* what the program installed where our handler stands */
static bool faults_ours;                  /* SIGSEGV is ours alone: program[SIGSEGV] has no handler */

#define BIT(number) (1ul << ((number)-1))
static const uint64_t fault_signals =
        BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGSYS);

/*
 * A thread's own mask never holds SIGSEGV while the engine runs: a fault of a check would kill. That the program has
 * blocked it is kept here, and one that was sent to the thread meanwhile.
 */
static __thread struct {
    bool blocked, pending;
    siginfo_t sent;
} faults_masked __attribute__((tls_model("initial-exec")));

static void on_signal(int number, siginfo_t *info, void *context);

static uintptr_t key_of(int number) {
    return (uintptr_t)&program[number];
}

static bool watching(void) {
    static int answer = -1;
    if (answer < 0) answer = !tw_sys_streq(tw_config_text(TW_OPTION_races), "off");
    return answer == 1;
}

static bool real_handler(const struct sigaction *a) {
    return a->sa_flags & SA_SIGINFO || (a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN);
}

/* Nobody handles it: on return the instruction faults again, or the signal is sent again, and the process dies of it.
 */
static void fault_of_the_program(int number, const siginfo_t *info) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    if (info->si_code <= 0 && program[number].sa_handler == SIG_IGN) return;
    tw_real.sigaction(number, &plain, NULL);
    if (info->si_code <= 0) tw_sys(SYS_tgkill, tw_sys(SYS_getpid), tw_sys(SYS_gettid), number);
}

/* The program has blocked SIGSEGV: what was sent waits, and a fault kills whatever is installed, as the kernel does it. */
static void fault_while_blocked(const siginfo_t *info) {
    if (info->si_code <= 0) {
        faults_masked.pending = true;
        faults_masked.sent = *info;
        return;
    }
    struct sigaction plain = {.sa_handler = SIG_DFL};
    tw_real.sigaction(SIGSEGV, &plain, NULL);
}

/* Caused by the instruction that was interrupted: handled there or nowhere. */
static bool synchronous(int number, const siginfo_t *info) {
    return number < SIGNALS && fault_signals >> (number - 1) & 1 && info->si_code > 0;
}

/*
 * A signal in the middle of the engine's work comes again at the end of that work: it is sent to the thread itself as
 * it came, and everything but faults is blocked until then. Blocked before it is sent: with SA_NODEFER it would be back
 * at once.
 */
static bool put_off(const struct tw_race_ops *race, int number, siginfo_t *info, ucontext_t *context) {
    if (!race->busy() || synchronous(number, info)) return false;
    uint64_t all = ~fault_signals | BIT(number);
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
    race->defer(context->uc_sigmask.__val[0]);
    if ((unsigned)program[number].sa_flags & SA_RESETHAND) { /* the kernel has taken it out */
        struct sigaction again = program[number];
        again.sa_sigaction = on_signal;
        again.sa_flags |= SA_SIGINFO;
        tw_real.sigaction(number, &again, NULL);
    }
    context->uc_sigmask.__val[0] = all;
    tw_sys(SYS_rt_tgsigqueueinfo, tw_sys(SYS_getpid), tw_sys(SYS_gettid), number, info);
    return true;
}

static void on_signal(int number, siginfo_t *info, void *context) {
    const struct tw_race_ops *race = tw_race;
    uint64_t save[TW_RACE_SAVE];
    uintptr_t pc = 0;
    if (race) {
        if ((number == SIGSEGV || number == SIGBUS) && info->si_code > 0 &&
                race->fault(context, (uintptr_t)info->si_addr))
            return;
        if (number == SIGSEGV && faults_masked.blocked) {
            fault_while_blocked(info);
            return;
        }
        if (put_off(race, number, info, context)) return;
        save[TW_RACE_SAVE - 1] = key_of(number);
        pc = race->handler_enter(context, save);
    }
    const struct sigaction act = program[number];
    if (number == SIGSEGV &&
            (unsigned)act.sa_flags &
                    SA_RESETHAND) { /* asked of the kernel, it would undo our handler at the first fault of a check */
        program[number] = (struct sigaction){.sa_handler = SIG_DFL};
        faults_ours = true;
    }
    if (number == SIGSEGV && !real_handler(&act))
        fault_of_the_program(number, info);
    else if (act.sa_flags & SA_SIGINFO)
        act.sa_sigaction(number, info, context);
    else if (act.sa_handler != SIG_DFL && act.sa_handler != SIG_IGN)
        act.sa_handler(number);
    if (race) race->handler_leave(context, save, pc);
}

/* races=sample: SIGTRAP is ours, and what the program installs for it is kept in program[SIGTRAP] alone. */
static bool traps_ours;

static void on_trap(int number, siginfo_t *info, void *context) {
    if (tw_sample_trap(info, context)) return;
    const struct sigaction act = program[number];
    if (!real_handler(&act))
        fault_of_the_program(number, info);
    else if (act.sa_flags & SA_SIGINFO)
        act.sa_sigaction(number, info, context);
    else
        act.sa_handler(number);
}

void tw_wrap_signal_traps(void) {
    struct sigaction before, mine = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    mine.sa_sigaction = on_trap;
    mine.sa_mask.__val[0] = ~fault_signals; /* who is held at an access does nothing else */
    uint64_t trap = BIT(SIGTRAP);
    if (!traps_ours && TW_REAL(sigaction)(SIGTRAP, &mine, &before) == 0) {
        if (before.sa_sigaction != on_signal) program[SIGTRAP] = before;
        traps_ours = true;
    }
    tw_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &trap, NULL, sizeof trap);
}

static void behind_ours(int number, const struct sigaction *act, struct sigaction *mine) {
    *mine = (struct sigaction){.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (real_handler(act)) {
        *mine = *act;
        mine->sa_flags |= SA_SIGINFO;
        if (number == SIGSEGV)
            mine->sa_flags &= ~(int)SA_RESETHAND; /* on_signal does it */
        else
            mine->sa_mask.__val[0] &= ~(1ul << (SIGSEGV - 1)); /* a fault of a check that is blocked kills */
    }
    mine->sa_sigaction = on_signal;
}

TW_EXPORT int sigaction(int number, const struct sigaction *act, struct sigaction *old) {
    if (!watching() || number <= 0 || number >= SIGNALS || number == 32 || number == 33)
        return TW_REAL(sigaction)(number, act, old);
    const struct sigaction before = program[number];
    if (number == SIGTRAP && traps_ours) {
        if (act) program[number] = *act;
        if (old) *old = before;
        return 0;
    }
    const bool was_ours = faults_ours,
               faults = number == SIGSEGV && tw_race; /* then our handler stays, whatever the program wants */
    struct sigaction kernel, mine;
    const bool behind = act && (faults || real_handler(act));
    if (behind) {
        behind_ours(number, act, &mine);
        program[number] = *act;
    }
    if (act && number == SIGSEGV) faults_ours = behind && !real_handler(act);
    int rc = TW_REAL(sigaction)(number, behind ? &mine : act, &kernel);
    if (rc != 0) {
        program[number] = before;
        faults_ours = was_ours;
        return rc;
    }
    if (old) *old = kernel.sa_flags & SA_SIGINFO && kernel.sa_sigaction == on_signal ? before : kernel;
    return rc;
}

/* As glibc's: system calls go on after the handler, the signal is blocked in it. */
TW_EXPORT sighandler_t signal(int number, sighandler_t handler) {
    if (!watching() || handler == SIG_ERR) return TW_REAL(signal)(number, handler);
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    act.sa_mask.__val[(number - 1) / 64] |= 1ul << (number - 1) % 64;
    return sigaction(number, &act, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* `real`, where SIGSEGV is blocked only in what the program sees. */
static int masked(int (*real)(int, const sigset_t *, sigset_t *), int how, const sigset_t *set, sigset_t *before) {
    if (tw_sample_on && set && how != SIG_UNBLOCK) { /* a watchpoint that hits while its signal is blocked is not seen */
        sigset_t ours = *set;
        ours.__val[0] &= ~BIT(SIGTRAP);
        return real(how, &ours, before);
    }
    if (!tw_race) return real(how, set, before);
    bool was = faults_masked.blocked, named = set && set->__val[0] & BIT(SIGSEGV);
    sigset_t open;
    if (set) open = *set;
    if (set && how != SIG_UNBLOCK) open.__val[0] &= ~BIT(SIGSEGV);
    int rc = real(how, set ? &open : NULL, before);
    if (rc != 0) return rc;
    if (before && was) before->__val[0] |= BIT(SIGSEGV);
    if (!set) return 0;
    faults_masked.blocked = how == SIG_SETMASK ? named : how == SIG_BLOCK ? was || named : was && !named;
    if (faults_masked.pending && !faults_masked.blocked) {
        faults_masked.pending = false;
        tw_sys(SYS_rt_tgsigqueueinfo, tw_sys(SYS_getpid), tw_sys(SYS_gettid), SIGSEGV, &faults_masked.sent);
    }
    return 0;
}

TW_EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *before) {
    if (tw_unwind_masks(TW_CALLER)) return 0;
    return masked(TW_REAL(sigprocmask), how, set, before);
}

TW_EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) {
    return masked(TW_REAL(pthread_sigmask), how, set, before);
}

/* The engine starts: faults on its shadow memory must reach it. */
void tw_wrap_signal_race(void) {
    uint64_t fault = BIT(SIGSEGV), mask = 0;
    tw_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &fault, &mask, sizeof mask);
    faults_masked.blocked = mask & fault;
    struct sigaction now, mine;
    if (TW_REAL(sigaction)(SIGSEGV, NULL, &now) != 0 || (real_handler(&now) && now.sa_sigaction == on_signal)) return;
    behind_ours(SIGSEGV, &now, &mine);
    program[SIGSEGV] = now;
    if (real_handler(&now)) {
        tw_real.sigaction(SIGSEGV, &mine, NULL);
        return;
    }
    if (tw_real.sigaction(SIGSEGV, &mine, NULL) == 0) faults_ours = true;
}

void tw_wrap_signal_sent(int number) {
    struct tw_thread *t = number > 0 && number < SIGNALS ? tw_enter() : NULL;
    if (!t) return;
    tw_race->release(key_of(number));
    tw_race->release(TW_HANDS_SIGNALS);
    tw_leave(t);
}

void tw_wrap_signal_taken(int number) {
    struct tw_thread *t = number > 0 && number < SIGNALS ? tw_enter() : NULL;
    if (!t) return;
    tw_race->acquire(key_of(number));
    tw_leave(t);
}

TW_EXPORT int pthread_sigqueue(pthread_t thread, int number, const union sigval value) {
    if (TW_UNLIKELY(tw_race != NULL)) tw_wrap_signal_sent(number);
    return TW_REAL(pthread_sigqueue)(thread, number, value);
}

TW_EXPORT int kill(pid_t pid, int number) {
    if (TW_UNLIKELY(tw_race != NULL)) tw_wrap_signal_sent(number);
    return TW_REAL(kill)(pid, number);
}

TW_EXPORT int raise(int number) {
    if (TW_UNLIKELY(tw_race != NULL)) tw_wrap_signal_sent(number);
    return TW_REAL(raise)(number);
}

/*
 * glibc cancels by a signal of its own, whose handler unwinds the thread at once where it is asynchronously
 * cancellable: always so in the handlers that interrupt a cancellation point. In the middle of the engine's work the
 * thread would take the engine's locks with it. glibc installs its handler at the first pthread_cancel; it is left to
 * do that for a thread of ours which does not mind, and ours is put in front.
 */
enum { CANCELLING = 32, KERNEL_SET = 8 };

struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct kernel_action of_glibc;

static void on_cancel(int number, siginfo_t *info, void *context) {
    const struct tw_race_ops *race = tw_race;
    if (race && put_off(race, number, info, context)) return;
    of_glibc.handler(number, info, context);
}

static void *indifferent(void *go) {
    while (!__atomic_load_n((uint32_t *)go, __ATOMIC_ACQUIRE))
        tw_sys(SYS_futex, go, FUTEX_WAIT_PRIVATE, 0, 0);
    return NULL;
}

void tw_wrap_signal_cancels(void) {
    static struct tw_lock lock;
    static bool done;
    if (__atomic_load_n(&done, __ATOMIC_ACQUIRE)) return;
    uint64_t all = ~fault_signals, before;
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before,
            sizeof all); /* the new thread handles none of the program's signals */
    tw_lock_take(&lock);
    pthread_t helper;
    uint32_t go = 0;
    if (!done && TW_REAL(pthread_create)(&helper, NULL, indifferent, &go) == 0) {
        TW_REAL(pthread_cancel)(helper);
        __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
        tw_sys(SYS_futex, &go, FUTEX_WAKE_PRIVATE, 1);
        TW_REAL(pthread_join)(helper, NULL);
        if (tw_sys(SYS_rt_sigaction, CANCELLING, NULL, &of_glibc, KERNEL_SET) == 0 && (uintptr_t)of_glibc.handler > 1) {
            struct kernel_action ours = of_glibc;
            ours.handler = on_cancel;
            tw_sys(SYS_rt_sigaction, CANCELLING, &ours, NULL, KERNEL_SET);
        }
    }
    __atomic_store_n(&done, true, __ATOMIC_RELEASE);
    tw_lock_give(&lock);
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}
