#include "real.h"
#include "sys.h"

struct tw_real tw_real;
bool tw_real_busy;

struct row {
    const char *name, *version;
    size_t offset;
    bool must;
};
enum { MUST = 1, MAY = 0 };
static const struct row rows[] = {
#define INTERCEPT(function, need, version) {#function, version, offsetof(struct tw_real, function), need},
#include "interceptors.def"
#undef INTERCEPT
};

/* Missing versions fall back to the default symbol: another glibc may have moved a function to a new version. */
static void *resolve(const struct row *r) {
    void *p = r->version[0] ? dlvsym(RTLD_NEXT, r->name, r->version) : NULL;
    return p ? p : dlsym(RTLD_NEXT, r->name);
}

void tw_real_init(void) {
    static bool done;
    if (done || tw_real_busy) return;
    tw_real_busy = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void **slot = (void **)((char *)&tw_real + rows[i].offset);
        if (*slot) continue;
        *slot = resolve(&rows[i]);
        if (!*slot && rows[i].must) tw_sys_say("twatch: the C library has no function %s: this program cannot be watched\n", rows[i].name);
    }
    tw_real_busy = false;
    done = true;
}

void *tw_real_by_name(const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_sys_streq(rows[i].name, name)) return *(void **)((char *)&tw_real + rows[i].offset);
    return NULL;
}
