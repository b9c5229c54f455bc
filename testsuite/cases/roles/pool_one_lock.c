/* Four workers that do all their work under one lock. */
// CLEAN
// ROLE(pools): name=worker, size=4, lock=ledger, says~waited for each other at mutex ledger
// NOROLE(pools): says~more workers
#include "pool.h"

static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;

static void work(void) {
    pthread_mutex_lock(&ledger);
    nap_ms(5);
    pthread_mutex_unlock(&ledger);
}

int main(void) {
    pool_run(4, 40, 0);
    return 0;
}
