/*
 * Files compiled with -fexceptions run their cleanup handlers when a cancelled thread or a C++ exception unwinds
 * through them. That needs the unwinder's personality routine and _Unwind_Resume. Linking libgcc_s for these two would
 * load it into every program; here they are looked up when they are needed, and by then whoever unwinds has loaded it.
 */
#include "real.h"
#include "sys.h"

typedef int personality_fn(int version, int actions, uint64_t exception_class, void *exception, void *context);
typedef void resume_fn(void *exception);

/* May run with the loader's lock held by this thread (an exception in a constructor): that lock is recursive. */
static void *lookup(const char *name) {
    void *f = dlsym(RTLD_DEFAULT, name);
    if (f) return f;
    void *unwinder =
            dlopen("libgcc_s.so.1", RTLD_LAZY); /* loaded already by whoever unwinds, but not in the global scope */
    return unwinder ? dlsym(unwinder, name) : NULL;
}

int __gcc_personality_v0(int version, int actions, uint64_t exception_class, void *exception, void *context);
int __gcc_personality_v0(int version, int actions, uint64_t exception_class, void *exception, void *context) {
    enum { CONTINUE_UNWIND = 8 };
    static void *cached;
    void *f = __atomic_load_n(&cached, __ATOMIC_RELAXED);
    if (!f) {
        f = lookup("__gcc_personality_v0");
        __atomic_store_n(&cached, f, __ATOMIC_RELAXED);
    }
    return f ? ((personality_fn *)f)(version, actions, exception_class, exception, context) : CONTINUE_UNWIND;
}

void _Unwind_Resume(void *exception);
void _Unwind_Resume(void *exception) {
    static void *cached;
    void *f = __atomic_load_n(&cached, __ATOMIC_RELAXED);
    if (!f) {
        f = lookup("_Unwind_Resume");
        __atomic_store_n(&cached, f, __ATOMIC_RELAXED);
    }
    ((resume_fn *)f)(exception);
    __builtin_unreachable();
}
