/* thrd_create without thrd_join or thrd_detach. */
#include "step.h"
#include <threads.h>

static int work(void *arg) {
    (void)arg;
    step(1);
    return 0;
}

int main(void) {
    thrd_t t;
    thrd_create(&t, work, NULL); // EXPECT(thread-leak): created here
    await(1);
    nap_ms(100);
    return 0;
}
