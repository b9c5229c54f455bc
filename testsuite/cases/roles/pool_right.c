/* Two workers that are both needed now and then: nothing to advise. */
// CLEAN
// ROLE(pools): name=worker, size=2, max_busy=2
// NOROLE(pools): says~w
// ROLE(pools): name=worker, queue_wait_mean_ns<=100000000
#include "pool.h"

static void work(void) {
    nap_ms(12);
}

int main(void) {
    pool_run(2, 24, 9);
    return 0;
}
