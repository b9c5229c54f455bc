/* No join: the thread ends, and what the system keeps for its joiner is never given back. Three from one place are one
 * finding. */
// COUNT(thread-leak): 1
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *target(void *arg) {
    (void)arg;
    step_next();
    return NULL;
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        pthread_t t;
        pthread_create(&t, NULL, target, NULL); // EXPECT(thread-leak): created here
        await(i + 1);
    }
    nap_ms(50);
    puts("the current thread MainThread is ended");
    return 0;
}
