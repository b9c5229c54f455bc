#include "direct.h"

#include <errno.h>

#include "config.h"
#include "race/hooks.h"

static bool proved; /* ordinary memory: stays in a child of a fork */

struct expected {
    int lock, owner;
    unsigned nusers;
};

static bool is(const pthread_mutex_t *m, int kind, struct expected e) {
    const struct __pthread_mutex_s *d = &m->__data;
    return d->__lock == e.lock && d->__owner == e.owner && d->__nusers == e.nusers && d->__kind == kind &&
           d->__count == 0 && d->__spins == 0 && d->__elision == 0 && !d->__list.__prev && !d->__list.__next;
}

/* What libc makes of a mutex is what is made of it here, and each understands what the other left. Lock elision, where
   it is switched on, shows in the kind or in a lock word that stays 0. */
static bool agrees(const struct tw_thread *t, int kind) {
    const struct expected taken = {1, t->tid, 1}, free = {0, 0, 0};
    pthread_mutex_t m = {.__data = {.__kind = kind}};
    if (TW_REAL(pthread_mutex_lock)(&m) != 0 || !is(&m, kind, taken) || tw_direct_take(t, &m)) return false;
    if (!tw_direct_give(t, &m) || !is(&m, kind, free)) return false;
    if (!tw_direct_take(t, &m) || !is(&m, kind, taken) || TW_REAL(pthread_mutex_trylock)(&m) != EBUSY) return false;
    if (TW_REAL(pthread_mutex_unlock)(&m) != 0 || !is(&m, kind, free)) return false;
    return TW_REAL(pthread_mutex_trylock)(&m) == 0 && is(&m, kind, taken) && TW_REAL(pthread_mutex_unlock)(&m) == 0 &&
           is(&m, kind, free);
}

/* "2.36": major and minor of the libc; 0 when it is not glibc. */
static uint32_t libc_version(void) {
    const char *(*version)(void);
    *(void **)&version = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    if (!version) return 0;
    uint32_t part[2] = {0, 0}, n = 0;
    for (const char *p = version(); *p && n < 2; p++) {
        if (*p == '.')
            n++;
        else if (*p < '0' || *p > '9')
            break;
        else
            part[n] = part[n] * 10 + (uint32_t)(*p - '0');
    }
    return part[0] * 1000 + part[1];
}

bool tw_direct_libc_known(void) {
    enum {
        KNOWN_FROM = 2028,
        KNOWN_TO = 2042
    }; /* in later ones, nobody has looked what else may depend on the fields */
    uint32_t version = libc_version();
    return version >= KNOWN_FROM && version <= KNOWN_TO;
}

static bool prove(const struct tw_thread *t) {
    return TW_CONFIG(direct_mutexes) && tw_direct_libc_known() && agrees(t, PTHREAD_MUTEX_TIMED_NP) && agrees(t, PTHREAD_MUTEX_TIMED_NP | TW_DIRECT_NO_ELISION) &&
           agrees(t, PTHREAD_MUTEX_ADAPTIVE_NP);
}

void tw_direct_start(void) {
    static bool tried;
    if (tried || !tw_self || tw_race) return;
    tried = true;
    proved = prove(tw_self);
    tw_live->direct = proved;
}

void tw_direct_forked(void) {
    tw_live->direct = proved && !tw_race;
}
