/* Four workers and a task now and then: one stands ready for each, and its wait is the time to wake up. */
// CLEAN
// ROLE(pools): name=worker, size=4, queue_wait=measured, ready>=20, ready_wait_mean_ns>=1000, queued=0
#include "pool.h"

static void work(void) {
    nap_ms(1);
}

int main(void) {
    pool_run(4, 24, 40);
    return 0;
}
