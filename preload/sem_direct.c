#include "sem_direct.h"

#include "config.h"
#include "direct.h"
#include "real.h"

bool tw_sem_direct;

static bool is(sem_t *s, uint64_t word) {
    static const sem_t zeros;
    sem_t rest = *s;
    *tw_sem_direct_word(&rest) = 0;
    return *tw_sem_direct_word(s) == word && tw_sys_equal(&rest, &zeros, sizeof rest);
}

/* What libc makes of a semaphore is what is made of it here, and each understands what the other left. */
static bool agrees(void) {
    sem_t s = {0};
    if (TW_REAL(sem_init)(&s, 0, 1) != 0 || !is(&s, 1) || !tw_sem_direct_take(&s) || !is(&s, 0)) return false;
    if (tw_sem_direct_take(&s) || !is(&s, 0) || TW_REAL(sem_post)(&s) != 0 || !is(&s, 1)) return false;
    if (TW_REAL(sem_trywait)(&s) != 0 || !is(&s, 0) || !tw_sem_direct_give(&s) || !is(&s, 1)) return false;
    return tw_sem_direct_give(&s) && is(&s, 2) && TW_REAL(sem_trywait)(&s) == 0 && is(&s, 1) &&
           TW_REAL(sem_destroy)(&s) == 0;
}

void tw_sem_direct_start(void) {
    static bool tried;
    if (tried) return;
    tried = true;
    tw_sem_direct = TW_CONFIG(direct_mutexes) && tw_direct_libc_known() && agrees();
}
