#include "patience.h"

#include <errno.h>

#include "object.h"
#include "use.h"

enum {
    FIRST_LOOK = 3000, /* ticks of the processor's clock: about a microsecond */
    LAST_LOOK = 12000, /* less than it costs to sleep and to be woken */
    MOST_SKIPPED = 63
};

static bool several_processors;

static struct tw_stat_entry *place_of(const pthread_mutex_t *m, uintptr_t pc) {
    struct tw_thread *t = tw_enter();
    if (!t) return NULL;
    struct tw_stat_entry *place = tw_stat_known(t, tw_object_find((uintptr_t)m), pc);
    tw_leave(t);
    return place;
}

int tw_patience(pthread_mutex_t *m, uintptr_t pc) {
    struct tw_thread *t = tw_self;
    if (!t || !several_processors) return EBUSY;
    if (t->unhelped > 0) {
        t->unhelped--;
        return EBUSY;
    }
    struct tw_stat_entry *place = place_of(m, pc);
    if (!place) return EBUSY;
    static const uint64_t looks[] = {FIRST_LOOK, LAST_LOOK};
    int rc = EBUSY;
    uint64_t began = __builtin_ia32_rdtsc();
    for (unsigned i = 0; i < sizeof looks / sizeof looks[0] && rc == EBUSY; i++) {
        do
            __builtin_ia32_pause();
        while (__builtin_ia32_rdtsc() - began < looks[i]);
        if (__atomic_load_n(&m->__data.__lock, __ATOMIC_RELAXED) == 0) rc = TW_REAL(pthread_mutex_trylock)(m);
    }
    if (rc == EBUSY) {
        t->impatience = (uint8_t)(t->impatience * 2 + 1) & MOST_SKIPPED;
        t->unhelped = t->impatience;
    } else {
        t->impatience /= 2;
        tw_stat_waited(place, tw_sys_now_coarse(), 0);
    }
    return rc;
}

void tw_patience_init(void) {
    uint64_t mask[16] = {0};
    long bytes = tw_sys(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int n = 0;
    for (long i = 0; i * 8 < bytes; i++)
        n += __builtin_popcountll(mask[i]);
    several_processors = n > 1 || bytes < 0; /* more processors than the mask holds */
}
