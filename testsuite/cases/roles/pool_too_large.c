/* Eight workers for tasks that come one at a time. */
// CLEAN
// ROLE(pools): name=worker, creator=the main thread, queue=pool.queued, size=8, threads=8, max_busy<=7, says~larger than it needs to be, busy_percent<=50
#include "pool.h"

static void work(void) {
    nap_ms(6);
}

int main(void) {
    pool_run(8, 25, 15);
    return 0;
}
