/*
 * C11 threads. glibc's do not pass through the pthread symbols, but are the same objects underneath (nptl/mtx_lock.c
 * and its neighbours cast them): mtx_t is a pthread_mutex_t, cnd_t a pthread_cond_t, thrd_t a pthread_t, tss_t a
 * pthread_key_t. Recording is shared; the real calls are C11's own, whose results differ.
 */
#include <threads.h>

#include "birth.h"
#include "cond_ops.h"
#include "key.h"
#include "mutex.h"
#include "once.h"

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t),
        "C11 objects are pthread objects");

static pthread_mutex_t *mutex_of(mtx_t *m) {
    return (pthread_mutex_t *)(void *)m;
}
static pthread_cond_t *cond_of(cnd_t *c) {
    return (pthread_cond_t *)(void *)c;
}

static int result_of(int rc) {
    switch (rc) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ETIMEDOUT:
        return thrd_timedout;
    case ENOMEM:
        return thrd_nomem;
    default:
        return thrd_error;
    }
}

/* ---- mutexes ---- */

TW_EXPORT int mtx_init(mtx_t *m, int type) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_mutex_before_init(mutex_of(m), pc, cfa);
    int rc = TW_REAL(mtx_init)(m, type);
    if (rc == thrd_success) tw_mutex_after_init(mutex_of(m), TWATCH_OBJF_C11, pc, cfa);
    return rc;
}

TW_EXPORT void mtx_destroy(mtx_t *m) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_mutex_before_destroy(mutex_of(m), pc, cfa);
    TW_REAL(mtx_destroy)(m);
    tw_mutex_after_destroy(mutex_of(m), pc, cfa);
}

TW_EXPORT int mtx_lock(mtx_t *m) {
    return result_of(tw_mutex_lock(mutex_of(m), TW_CALLER, TW_CFA));
}
TW_EXPORT int mtx_trylock(mtx_t *m) {
    return result_of(tw_mutex_trylock(mutex_of(m), TW_CALLER, TW_CFA));
}
TW_EXPORT int mtx_unlock(mtx_t *m) {
    return result_of(tw_mutex_unlock(mutex_of(m), TW_CALLER, TW_CFA));
}

TW_EXPORT int mtx_timedlock(mtx_t *restrict m, const struct timespec *restrict until) {
    return result_of(tw_mutex_clocklock(mutex_of(m), CLOCK_REALTIME, until, TW_CALLER, TW_CFA));
}

/* ---- condition variables ---- */

#define WAITING __attribute__((cleanup(tw_cond_wait_over))) struct tw_cond_wait

TW_EXPORT int cnd_wait(cnd_t *c, mtx_t *m) {
    WAITING w = {.cond = cond_of(c), .mutex = mutex_of(m), .pc = TW_CALLER, .cfa = TW_CFA, .rc = TW_COND_CANCELLED};
    tw_cond_wait_begin(&w, CLOCK_REALTIME, NULL);
    int rc = TW_UNLIKELY(w.spurious) ? thrd_success : TW_REAL(cnd_wait)(c, m);
    w.rc = rc == thrd_success ? 0 : EINVAL;
    return rc;
}

TW_EXPORT int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until) {
    WAITING w = {.cond = cond_of(c),
            .mutex = mutex_of(m),
            .pc = TW_CALLER,
            .cfa = TW_CFA,
            .timed = true,
            .rc = TW_COND_CANCELLED};
    tw_cond_wait_begin(&w, CLOCK_REALTIME, until);
    int rc = TW_REAL(cnd_timedwait)(c, m, until);
    w.rc = rc == thrd_success ? 0 : rc == thrd_timedout ? ETIMEDOUT : EINVAL;
    return rc;
}

TW_EXPORT int cnd_signal(cnd_t *c) {
    tw_cond_signalled(cond_of(c), false, TW_CALLER, TW_CFA);
    return TW_REAL(cnd_signal)(c);
}

TW_EXPORT int cnd_broadcast(cnd_t *c) {
    tw_cond_signalled(cond_of(c), true, TW_CALLER, TW_CFA);
    return TW_REAL(cnd_broadcast)(c);
}

TW_EXPORT int cnd_init(cnd_t *c) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    tw_cond_initialising(cond_of(c), pc, cfa);
    int rc = TW_REAL(cnd_init)(c);
    if (rc == thrd_success) tw_cond_initialised(cond_of(c), TWATCH_OBJF_C11, pc, cfa);
    return rc;
}

TW_EXPORT void cnd_destroy(cnd_t *c) {
    tw_cond_destroying(cond_of(c), TW_CALLER, TW_CFA);
    TW_REAL(cnd_destroy)(c);
}

/* ---- threads ---- */

TW_EXPORT int thrd_create(thrd_t *thread, thrd_start_t routine, void *arg) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    struct tw_birth *s =
            tw_birth_prepare(&(struct tw_birth){.c11_routine = routine, .arg = arg}, NULL, TWATCH_THREAD_C11, pc, cfa);
    if (!s) return TW_REAL(thrd_create)(thread, routine, arg);
    uint32_t id = s->id; /* the new thread gives s back as soon as it runs */
    int rc = TW_REAL(thrd_create)(thread, tw_birth_c11_main, s);
    tw_birth_done(s, id, rc == thrd_success, rc == thrd_success ? *thread : 0);
    return rc;
}

/* A cancelled joiner unwinds through the real join: its wait is over, and nothing was joined. */
static void join_cancelled(struct tw_joining *j) {
    if (j->waiting) tw_birth_join_end(j, EINTR);
}

TW_EXPORT int thrd_join(thrd_t thread, int *result) {
    __attribute__((cleanup(join_cancelled))) struct tw_joining j = {.pc = TW_CALLER, .cfa = TW_CFA};
    tw_birth_join_begin(&j, thread, 0);
    int rc = TW_REAL(thrd_join)(thread, result);
    tw_birth_join_end(&j, rc == thrd_success ? 0 : EINVAL);
    return rc;
}

TW_EXPORT int thrd_detach(thrd_t thread) {
    tw_birth_detach(thread, TW_CALLER, TW_CFA); /* before: a detached thread that has ended is gone with its handle */
    return TW_REAL(thrd_detach)(thread);
}

TW_EXPORT void thrd_exit(int result) {
    tw_birth_exit(TW_CALLER, TW_CFA);
    TW_REAL(thrd_exit)(result);
    __builtin_unreachable();
}

/* ---- thread-specific storage, once ---- */

TW_EXPORT int tss_create(tss_t *key, tss_dtor_t destructor) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    int rc = TW_REAL(tss_create)(key, destructor);
    if (rc == thrd_success) tw_key_created(*key, destructor != NULL, pc, cfa);
    return rc;
}

TW_EXPORT void tss_delete(tss_t key) {
    tw_key_deleting(key, TW_CALLER, TW_CFA);
    TW_REAL(tss_delete)(key);
}

TW_EXPORT int tss_set(tss_t key, void *value) {
    if (TW_UNLIKELY(!tw_key_plain(key))) tw_key_setting(key, value, TW_CALLER, TW_CFA);
    int rc = TW_REAL(tss_set)(key, value);
    if (rc == thrd_success) tw_key_value_set(key, value);
    return rc;
}

TW_EXPORT void call_once(once_flag *flag, void (*routine)(void)) {
    int *control = (int *)(void *)flag;
    if (TW_LIKELY(tw_once_done(control))) {
        tw_once_passed(control);
        TW_REAL(call_once)(flag, routine);
        return;
    }
    __attribute__((cleanup(tw_once_end))) struct tw_once_call call = {
            .control = control, .routine = routine, .pc = TW_CALLER, .cfa = TW_CFA};
    tw_once_begin(&call);
    TW_REAL(call_once)(flag, tw_once_run);
}
