/*
 * The seed on the thread module: "it has no control over when the process exits: when the main thread ends all others
 * are ended by force, without a warning or clean-up". The form that the old module led to: start, sleep for a guess,
 * leave.
 */
#include "step.h"
#include <pthread.h>
#include <stdio.h>

static void *loop(void *arg) {
    printf("loop %d starts\n", *(int *)arg);
    step_next();
    nap_ms(20000);
    printf("loop %d done\n", *(int *)arg);
    return NULL;
}

int main(void) {
    static int number[2] = {0, 1};
    for (int i = 0; i < 2; i++) {
        pthread_t t;
        pthread_create(&t, NULL, loop, &number[i]); // EXPECT(daemon-killed): created here
        pthread_detach(t);
        await(i + 1);
    }
    puts("all done?");
    return 0;
}
