/* Three workers for a heap of tasks that sleep: always busy, and the processors idle. */
// CLEAN
// ROLE(pools): name=worker, size=3, max_busy=3, busy_percent>=95, says~all workers were busy all the time
// NOROLE(pools): says~larger
// ROLE(pools): queue_wait=estimated, queued>=80, queue_wait_mean_ns>=180000000
#include "pool.h"

static void work(void) {
    nap_ms(25);
}

int main(void) {
    pool_run(3, 90, 0);
    return 0;
}
