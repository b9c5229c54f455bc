/*
 * Objects that come while the process runs are instrumented for the race engine when a thread asks for a first symbol
 * (or loads the next object): before that nobody has an address in them, but for what their own constructors started.
 * An object in whose loading threads were created is left alone, since one of them may run in its code.
 */
#include "wrap_dl.h"
#include "race/hooks.h"
#include "real.h"
#include "thread.h"

enum { SEEN = 1024 };

static uintptr_t seen[SEEN]; /* load addresses; a ring */
static uint32_t nseen;
static unsigned long long adds; /* dlpi_adds when last looked */
static uint32_t threads_before;
static struct tw_lock lock;

struct look {
    bool first, changed, instrument;
};

static bool known(uintptr_t bias) {
    for (uint32_t i = 0; i < nseen && i < SEEN; i++)
        if (seen[i] == bias) return true;
    return false;
}

static int look(struct dl_phdr_info *info, size_t size, void *arg) {
    struct look *l = arg;
    (void)size;
    if (l->first) {
        l->first = false;
        l->changed = info->dlpi_adds != adds;
        adds = info->dlpi_adds;
        if (!l->changed) return 1;
    }
    if (known(info->dlpi_addr)) return 0;
    seen[nseen++ % SEEN] = info->dlpi_addr;
    if (l->instrument && info->dlpi_name && info->dlpi_name[0])
        tw_race->module_loaded(info->dlpi_addr, info->dlpi_name);
    return 0;
}

static TW_NOINLINE void modules_changed(bool about_to_load) {
    if (!tw_self || tw_self->busy || !tw_lock_try(&lock)) return;
    struct look l = {.first = true, .instrument = nseen != 0 && tw_header->nthreads == threads_before};
    TW_REAL(dl_iterate_phdr)(look, &l);
    if (about_to_load || nseen == 0) threads_before = tw_header->nthreads;
    tw_lock_give(&lock);
}

void *tw_wrap_dl_open(void) {
    if (TW_UNLIKELY(tw_race != NULL)) modules_changed(true);
    return tw_real.dlopen ? (void *)tw_real.dlopen : dlvsym(RTLD_NEXT, "dlopen", "GLIBC_2.34");
}

void *tw_wrap_dl_sym(void) {
    if (TW_UNLIKELY(tw_race != NULL)) modules_changed(false);
    return tw_real.dlsym ? (void *)tw_real.dlsym : dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
}
