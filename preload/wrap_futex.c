/*
 * syscall(SYS_futex, ...): the locks and waits of Rust's std, GLib, Abseil and libstdc++. Only the waits are seen, and
 * who wakes; an uncontended lock makes no call. Any other system call is forwarded with its arguments as they came: it
 * may be a clone, or anything.
 */
#include <linux/futex.h>

#include "finish.h"
#include "object.h"
#include "race/hooks.h"
#include "real.h"
#include "waits.h"

typedef long system_call(long number, long a, long b, long c, long d, long e, long f);

static bool is_wait(long operation) {
    long command = operation & FUTEX_CMD_MASK;
    return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
}

static bool is_wake(long operation) {
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
    case FUTEX_WAKE_OP:
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return true;
    default:
        return false;
    }
}

/* Time limits: FUTEX_WAIT has a relative one, FUTEX_WAIT_BITSET an absolute one, of CLOCK_MONOTONIC unless
 * FUTEX_CLOCK_REALTIME is given. */
static uint64_t deadline(long operation, const struct timespec *limit) {
    if (!limit || operation & FUTEX_CLOCK_REALTIME) return 0;
    uint64_t ns = (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_nsec;
    return (operation & FUTEX_CMD_MASK) == FUTEX_WAIT ? tw_sys_now() + ns : ns;
}

/* False: the wait is not published. A wait of another kind that is already (a static initialisation waits by this call)
 * says more. */
static bool begin_wait(
        uint32_t *word, long operation, long value, const struct timespec *limit, uintptr_t pc, uintptr_t cfa) {
    if (__atomic_load_n(word, __ATOMIC_RELAXED) != (uint32_t)value) return false; /* it will not block */
    struct tw_thread *t = tw_enter();
    if (!t) return false;
    bool publish = t->slot->wait_kind == 0;
    if (publish) {
        uint32_t flags = operation & FUTEX_PRIVATE_FLAG ? 0 : TWATCH_OBJF_PSHARED;
        uint32_t object =
                tw_object_get((uintptr_t)word, TWATCH_OBJ_FUTEX, 0, flags, pc, tw_stack_here(t, pc, cfa), t->id);
        t->slot->reserved[1] =
                (uint32_t)value; /* who looks at the word sees whether it still is what this thread waits on */
        tw_wait_begin(
                t, &(struct tw_wait){.kind = TWATCH_OBJ_FUTEX,
                           .mode = TWATCH_MODE_EXCLUSIVE,
                           .object = object,
                           .address = (uintptr_t)word,
                           .flags = (uint16_t)((limit ? TWATCH_WAIT_TIMED : 0) | (flags ? TWATCH_WAIT_SHARED : 0)),
                           .deadline_ns = deadline(operation, limit),
                           .pc = pc,
                           .cfa = cfa});
    }
    tw_leave(t);
    return publish;
}

static void end_wait(uint32_t *word, bool published, bool woken) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (published) tw_wait_end(t, woken);
    if (tw_race) tw_race->acquire((uintptr_t)word);
    tw_leave(t);
}

static void before_wake(uint32_t *word) {
    struct tw_thread *t = tw_race ? tw_enter() : NULL;
    if (!t) return;
    tw_race->release((uintptr_t)word);
    tw_leave(t);
}

/* Under its own name in C, because the libc's prototype is variadic; a seventh argument that was not passed is read and
 * passed on as it lies. */
TW_EXPORT long tw_futex_syscall(long number, long a, long b, long c, long d, long e, long f) __asm__("syscall");

TW_EXPORT long tw_futex_syscall(long number, long a, long b, long c, long d, long e, long f) {
    system_call *real = (system_call *)(void *)TW_REAL(syscall);
    uint32_t *word = (uint32_t *)a;
    if (TW_LIKELY(number == SYS_futex && is_wait(b))) {
        bool published = begin_wait(word, b, c, (const struct timespec *)d, TW_CALLER, TW_CFA);
        long rc = real(number, a, b, c, d, e, f);
        end_wait(word, published, rc == 0);
        return rc;
    }
    if (number == SYS_futex && is_wake(b)) before_wake(word);
    if (number == SYS_exit_group)
        a = tw_finish(
                &(struct tw_finish){.end = TWATCH_END_FAST, .code = (int)(a & 0xff), .pc = TW_CALLER, .cfa = TW_CFA});
    return real(number, a, b, c, d, e, f);
}
