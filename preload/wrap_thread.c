/* Threads: birth, join, detach, end, names. */
#include "birth.h"

#include "wrap_signal.h"
#include <stdarg.h>

TW_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*routine)(void *), void *arg) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_birth *s = tw_birth_prepare(&(struct tw_birth){.routine = routine, .arg = arg}, attr, 0, pc, cfa);
    if (!s) return TW_REAL(pthread_create)(thread, attr, routine, arg);
    uint32_t id = s->id; /* the new thread gives s back as soon as it runs */
    int rc = TW_REAL(pthread_create)(thread, attr, tw_birth_main, s);
    tw_birth_done(s, id, rc == 0, rc == 0 ? *thread : 0);
    return rc;
}

/* A cancelled joiner unwinds through the real join: its wait is over, and nothing was joined. */
static void join_cancelled(struct tw_joining *j) {
    if (j->waiting) tw_birth_join_end(j, EINTR);
}

TW_EXPORT int pthread_join(pthread_t thread, void **result) {
    struct tw_joining j __attribute__((cleanup(join_cancelled))) = {.pc = TW_CALLER, .cfa = TW_CFA};
    tw_birth_join_begin(&j, thread, 0);
    int rc = TW_REAL(pthread_join)(thread, result);
    tw_birth_join_end(&j, rc);
    return rc;
}

TW_EXPORT int pthread_tryjoin_np(pthread_t thread, void **result) {
    struct tw_joining j = {.pc = TW_CALLER, .cfa = TW_CFA, .flags = TWATCH_WAIT_POLL};
    tw_birth_join_begin(&j, thread, 0);
    int rc = TW_REAL(pthread_tryjoin_np)(thread, result);
    tw_birth_join_end(&j, rc);
    return rc;
}

TW_EXPORT int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until) {
    struct tw_joining j __attribute__((cleanup(join_cancelled))) = {.pc = TW_CALLER, .cfa = TW_CFA, .flags = until ? TWATCH_WAIT_TIMED : 0};
    tw_birth_join_begin(&j, thread, tw_ops_deadline(CLOCK_REALTIME, until));
    int rc = TW_REAL(pthread_timedjoin_np)(thread, result, until);
    tw_birth_join_end(&j, rc);
    return rc;
}

TW_EXPORT int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until) {
    struct tw_joining j __attribute__((cleanup(join_cancelled))) = {.pc = TW_CALLER, .cfa = TW_CFA, .flags = until ? TWATCH_WAIT_TIMED : 0};
    tw_birth_join_begin(&j, thread, tw_ops_deadline(clock, until));
    int rc = TW_REAL(pthread_clockjoin_np)(thread, result, clock, until);
    tw_birth_join_end(&j, rc);
    return rc;
}

TW_EXPORT int pthread_detach(pthread_t thread) {
    tw_birth_detach(thread, TW_CALLER, TW_CFA); /* before: a detached thread that has ended is gone with its handle */
    return TW_REAL(pthread_detach)(thread);
}

TW_EXPORT void pthread_exit(void *result) {
    tw_birth_exit(TW_CALLER, TW_CFA);
    TW_REAL(pthread_exit)(result);
    __builtin_unreachable();
}

TW_EXPORT int pthread_cancel(pthread_t thread) {
    struct tw_thread *t = tw_enter();
    if (t) {
        struct twatch_thread *d = tw_thread_desc(tw_thread_by_handle((uint64_t)thread));
        if (d) __atomic_fetch_or(&d->flags, TWATCH_THREAD_CANCEL_SENT, __ATOMIC_RELEASE);
        tw_leave(t);
    }
    if (TW_UNLIKELY(tw_race != NULL)) tw_wrap_signal_cancels();
    return TW_REAL(pthread_cancel)(thread);
}

static void set_name(uint32_t id, const char *name) {
    struct twatch_thread *d = tw_thread_desc(id);
    if (!d || !name) return;
    size_t n = tw_sys_length(name);
    if (n >= TWATCH_NAME_LEN) n = TWATCH_NAME_LEN - 1;
    tw_sys_zero(d->name, TWATCH_NAME_LEN);
    tw_sys_copy(d->name, name, n);
}

TW_EXPORT int pthread_setname_np(pthread_t thread, const char *name) {
    int rc = TW_REAL(pthread_setname_np)(thread, name);
    struct tw_thread *t = rc == 0 ? tw_enter() : NULL;
    if (t) {
        set_name(tw_thread_by_handle((uint64_t)thread), name);
        tw_leave(t);
    }
    return rc;
}

TW_EXPORT int prctl(int option, ...) {
    va_list args;
    va_start(args, option);
    unsigned long a = va_arg(args, unsigned long), b = va_arg(args, unsigned long), c = va_arg(args, unsigned long), d = va_arg(args, unsigned long);
    va_end(args);
    int rc = TW_REAL(prctl)(option, a, b, c, d);
    struct tw_thread *t = option == PR_SET_NAME && rc == 0 ? tw_enter() : NULL;
    if (t) {
        set_name(t->id, (const char *)a);
        tw_leave(t);
    }
    return rc;
}
