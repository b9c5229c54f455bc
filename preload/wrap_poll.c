/* Calls by which a thread asks whether another one has moved on, or only lets others run: a loop of nothing else is busy waiting (polls.c). */
#include "race/hooks.h"
#include "wrap_signal.h"
#include "real.h"
#include "waits.h"

static inline void note_poll(enum twatch_poll kind, uintptr_t pc, uintptr_t cfa) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    tw_wait_poll(t, 0, kind, pc, cfa);
    tw_leave(t);
}

TW_EXPORT int pthread_kill(pthread_t thread, int signal) {
    if (TW_UNLIKELY(tw_race != NULL)) tw_wrap_signal_sent(signal);
    int rc = TW_REAL(pthread_kill)(thread, signal);
    if (signal == 0 && rc == 0) note_poll(TWATCH_POLL_KILL0, TW_CALLER, TW_CFA);
    return rc;
}

TW_EXPORT int sched_yield(void) {
    int rc = TW_REAL(sched_yield)();
    note_poll(TWATCH_POLL_YIELD, TW_CALLER, TW_CFA);
    return rc;
}

TW_EXPORT void thrd_yield(void) {
    TW_REAL(thrd_yield)();
    note_poll(TWATCH_POLL_YIELD, TW_CALLER, TW_CFA);
}
