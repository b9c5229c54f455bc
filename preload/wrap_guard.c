/*
 * Initialisation of C++ function-local statics (Itanium C++ ABI, 3.3.2): whoever got 1 from acquire initialises and
 * holds the guard until release or abort. The real functions are in libstdc++, which a C program may load late and out
 * of our sight; without them the protocol is kept here, bit for bit that of libstdc++ (libsupc++/guard.cc): byte 0
 * done, byte 1 pending, byte 2 somebody waits.
 */
#include <linux/futex.h>

#include "ops.h"

enum { DONE = 1, PENDING = 1 << 8, WAITING = 1 << 16 };

static int *word_of(uint64_t *guard) {
    return (int *)(void *)guard;
}

static void resolve(void) {
    static bool tried;
    if (__atomic_exchange_n(&tried, true, __ATOMIC_ACQ_REL)) return;
    void *lib = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!lib) return;
    void (*release)(uint64_t *) = (void (*)(uint64_t *))dlsym(lib, "__cxa_guard_release");
    void (*abort_)(uint64_t *) = (void (*)(uint64_t *))dlsym(lib, "__cxa_guard_abort");
    int (*acquire)(uint64_t *) = (int (*)(uint64_t *))dlsym(lib, "__cxa_guard_acquire");
    if (!release || !abort_ || !acquire) return;
    tw_real.__cxa_guard_release = release;
    tw_real.__cxa_guard_abort = abort_;
    __atomic_store_n(&tw_real.__cxa_guard_acquire, acquire, __ATOMIC_RELEASE);
}

static int own_acquire(uint64_t *guard) {
    int *word = word_of(guard);
    for (;;) {
        int seen = 0;
        if (__atomic_compare_exchange_n(word, &seen, PENDING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return 1;
        if (seen & DONE) return 0;
        if (!(seen & WAITING) &&
                !__atomic_compare_exchange_n(word, &seen, PENDING | WAITING, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            continue;
        tw_sys(SYS_futex, word, FUTEX_WAIT, PENDING | WAITING, 0);
    }
}

static void own_finish(uint64_t *guard, int state) {
    int before = __atomic_exchange_n(word_of(guard), state, __ATOMIC_ACQ_REL);
    if (before & WAITING) tw_sys(SYS_futex, word_of(guard), FUTEX_WAKE, INT32_MAX);
}

static bool have_real(void) {
    if (TW_UNLIKELY(!tw_real.__cxa_guard_acquire)) resolve();
    return tw_real.__cxa_guard_acquire != NULL;
}

static void release_recorded(uint64_t *guard, bool done) {
    struct tw_thread *t = tw_enter();
    if (!t) return;
    if (tw_race && done) tw_race->publish((uintptr_t)guard);
    tw_held_pop(t, (uintptr_t)guard);
    tw_leave(t);
}

TW_EXPORT int __cxa_guard_acquire(uint64_t *guard) {
    const uintptr_t pc = TW_CALLER, cfa = TW_CFA;
    bool published = false;
    if (__atomic_load_n(word_of(guard), __ATOMIC_RELAXED) & PENDING)
        published = tw_ops_wait_begin(
                &(struct tw_wait){.kind = TWATCH_OBJ_GUARD, .address = (uintptr_t)guard, .pc = pc, .cfa = cfa}, 0, 0);
    int mine = have_real() ? tw_real.__cxa_guard_acquire(guard) : own_acquire(guard);
    if (published) tw_ops_wait_end(true);
    struct tw_thread *t = mine || tw_race ? tw_enter() : NULL;
    if (!t) return mine;
    if (mine)
        tw_held_push(
                t, &(struct tw_acquire){.address = (uintptr_t)guard, .kind = TWATCH_OBJ_GUARD, .pc = pc, .cfa = cfa});
    if (tw_race) tw_race->acquire((uintptr_t)guard);
    tw_leave(t);
    return mine;
}

TW_EXPORT void __cxa_guard_release(uint64_t *guard) {
    release_recorded(guard, true);
    if (have_real())
        tw_real.__cxa_guard_release(guard);
    else
        own_finish(guard, DONE);
}

TW_EXPORT void __cxa_guard_abort(uint64_t *guard) {
    release_recorded(guard, false);
    if (have_real())
        tw_real.__cxa_guard_abort(guard);
    else
        own_finish(guard, 0);
}
