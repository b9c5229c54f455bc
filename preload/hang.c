#include "hang.h"

#include <sched.h>
#include <signal.h>

#include "config.h"
#include "finish.h"
#include "hang_text.h"
#include "incident.h"
#include "real.h"

enum { LIMIT_S = 10, STATUS_FINDINGS = 66 };
enum { ON_REPORT, ON_ABORT, ON_EXIT }; /* the words of the option on_deadlock, in order */

/* By the analyzer, which knows symbols; by ourselves when it cannot be started. */
static void print(struct tw_thread *t, uint32_t group) {
    char number[32];
    tw_sys_format(number, sizeof number, "--group=%u", (uint64_t)group);
    const char *arguments[] = {"report", "--hang", number, tw_store_path(), NULL};
    int rc = tw_store_has_file() ? tw_finish_analyze(arguments, LIMIT_S * 1000000000ull, true) : -1;
    if (rc != 0 && rc != STATUS_FINDINGS) tw_hang_text(t, group);
}

static void abort_now(void) {
    struct {
        uintptr_t handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } a = {0, 0, NULL, 0};
    uint64_t only = 1ull << (SIGABRT - 1);
    tw_sys(SYS_rt_sigaction, SIGABRT, &a, 0, sizeof a.mask);
    tw_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &only, 0, sizeof only);
    tw_sys(SYS_tgkill, tw_header->pid, tw_sys_tid(), SIGABRT);
}

void tw_hang_report(struct tw_thread *t, uint32_t group) {
    int64_t action = TW_CONFIG(halt_on_error) ? ON_EXIT : TW_CONFIG(on_deadlock);
    tw_store_open_file();
    __atomic_fetch_or(&tw_header->flags, TWATCH_HDR_DEADLOCK, __ATOMIC_RELAXED);
    /* `twatch run` reports what ends the process when it has ended. */
    if (action == ON_REPORT || !(tw_header->flags & TWATCH_HDR_UNDER_RUN)) print(t, group);
    if (action == ON_REPORT) return;
    int status = TW_CONFIG(exitcode) ? (int)TW_CONFIG(exitcode) : STATUS_FINDINGS;
    tw_leave(t);
    tw_finish(&(struct tw_finish){.end = TWATCH_END_DEADLOCK, .code = status, .pc = TW_CALLER, .cfa = TW_CFA});
    if (action == ON_ABORT) abort_now();
    tw_sys(SYS_exit_group, status);
}

/* ---- hang_timeout ---- */

static uint64_t limit_ns;
static bool watching;
bool tw_hang_watching(void) {
    return watching;
}

static void watch_slot(uint32_t slot, uint32_t *noted, uint64_t now) {
    struct twatch_slot *s = tw_thread_slot(slot);
    if (!s || !s->thread || !s->wait_kind || s->wait_flags & TWATCH_WAIT_REPORTED) return;
    uint32_t seq = __atomic_load_n(&s->wait_seq, __ATOMIC_ACQUIRE);
    uint64_t since = s->wait_since_ns;
    if (seq & 1 || *noted == seq || now < since || now - since < limit_ns) return;
    struct twatch_held held = {0};
    uint32_t stack = s->wait_stack, object = s->wait_kind == TWATCH_OBJ_THREAD ? 0 : s->wait_object;
    uint32_t other = s->wait_kind == TWATCH_OBJ_THREAD ? s->wait_thread : tw_thread_holder(s->wait_address, &held);
    if (__atomic_load_n(&s->wait_seq, __ATOMIC_ACQUIRE) != seq) return;
    *noted = seq;
    tw_incident(tw_thread_private(slot), &(struct tw_incident){.kind = TWATCH_INCIDENT_HANG_TIMEOUT,
                                                 .object = object,
                                                 .stack = stack,
                                                 .other_thread = other,
                                                 .other_stack = held.stack,
                                                 .aux = now - since});
}

/* A bare kernel thread: no libc, and nothing that depends on the thread that runs it (its TLS is the starter's). */
static void watch(void) {
    enum { MOST = 65536 };
    uint32_t *noted = tw_sys_pages(MOST * sizeof *noted);
    uint64_t pause = limit_ns / 10 < 10000000 ? 10000000 : limit_ns / 10 > 500000000 ? 500000000 : limit_ns / 10;
    while (noted) {
        tw_sys_sleep(pause);
        uint64_t now = tw_sys_now();
        for (uint32_t i = 1, n = tw_thread_slots(); i <= n && i < MOST; i++)
            watch_slot(i, &noted[i], now);
    }
}

void tw_hang_watch(void) {
    enum { STACK = 64 * 1024 };
    limit_ns = (uint64_t)TW_CONFIG(hang_timeout);
    if (limit_ns == 0) return;
    char *stack = tw_sys_pages(STACK);
    if (!stack) return;
    uint64_t all = ~0ull, before;
    uintptr_t *sp = (uintptr_t *)(void *)(stack + STACK);
    *--sp = 0;
    *--sp = (uintptr_t)watch;
    long r;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all); /* the new thread never takes a signal */
    __asm__ volatile("syscall\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "add $8, %%rsp\n\t"
                     "call *%%rax\n\t"
                     "mov %[exit], %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(r)
                     : "a"(SYS_clone), "D"(flags), "S"(sp), "d"(0), "r"(r10), "r"(r8), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory");
    tw_sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
    watching = r > 0;
}

void tw_hang_forked(void) {
    watching = false;
    tw_finish_forked();
}
